"""flash_<profile>_bytes: what scripts/cpall --mpy puts on a board."""

from epxhost import install, manifest


def measure(_toolchain) -> dict[str, float]:
    return {f"flash_{profile}_bytes": profile_bytes(profile) for profile in ("h2o",)}


def profile_bytes(profile: str) -> int:
    items = [install._compiled_item(file) for file in manifest.device_files(profile)]
    return sum(len(item.data) for item in items)
