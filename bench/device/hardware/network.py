"""Nothing: epx.mqtt meets the network as an argument."""
