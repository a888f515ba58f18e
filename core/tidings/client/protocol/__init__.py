"""The client side of the protocol, without any input or output."""
