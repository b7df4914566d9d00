"""The estimate of one point: its nats per image, the value with its standard error and kind of bound."""
