"""State of flows: the tables, the lookup by endpoints, and TCP followed per direction."""
