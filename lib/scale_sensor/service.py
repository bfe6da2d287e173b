"""What a scale on a battery sends by radio."""

from epx.nowtopics import Tell

# Kilograms; of a load cell more than four decimals are noise.
WEIGHT = Tell("stat/LPScale/Weight", "weight_kg", 4)
# 1: the converter does not answer; 4: it cannot be read; 8: the load does not rest.
MALFUNCTION = Tell("stat/LPScale/Malfunction", "malfunction", 0)
