"""What is taken out of packets and tables before they leave the house: payload, addresses, names."""
