"""From recorded packets to facts about a flow: pure functions, each fact with the frames it rests on."""
