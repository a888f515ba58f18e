"""The kinds that workers registered, as this process knows them: inputs, breakers, workers that serve them."""
