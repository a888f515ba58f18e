"""Circuit breakers: stop calling a service that fails, for all workers at once.

`breaker` is a breaker as its author defines it, `breaker_record` its record in the store (which
`store/lua/workers/breaker.lua` changes), `breaker_views` what one process knows of the breakers (pure), and
`call_guard` the blocks of a handler.
"""
