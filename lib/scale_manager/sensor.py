"""What a scale on a battery has sent, for the house."""

from epx.topics import Source


class RemoteScale(Source):
    """Announces each reading: nothing is known between them, and nothing is repeated."""

    weight_kg = malfunction = None

    def heard_weight(self, kilograms):
        self.weight_kg = kilograms
        self.announce("weight_kg")

    def heard_malfunction(self, number):
        self.malfunction = number
        self.announce("malfunction")
