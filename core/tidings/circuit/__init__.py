"""Circuit breakers: what stops calling a service that fails, for all workers at once.

`policy` is a breaker as its author writes it, `machine` its states (pure; `broker/lua/breaker.lua` does the same in
the store), `views` what one process knows of them (pure), `guard` the blocks of a handler.
"""
