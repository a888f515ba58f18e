"""JSON Schemas of handlers, and the decoding and validation of values by them."""
