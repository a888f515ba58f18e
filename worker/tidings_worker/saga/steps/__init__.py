"""The steps of sagas: one module for each type, behind the protocol in `saga_step`."""
