"""What the transports share: authorization of requests, responses, limits and buffers."""
