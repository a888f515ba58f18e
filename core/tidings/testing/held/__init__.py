"""The clock that a test holds: an event loop, a store and a worker that go by it."""
