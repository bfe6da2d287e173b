"""Flash that files take on a board: flash_<profile>_bytes, what scripts/cpall --mpy puts into a
file set; flash_ota_bytes, the part of it that updates over the air need, the same in each profile;
rescue_flash_bytes, the loader and the rescue program as source. In blocks: as littlefs keeps files
on an ESP32, each in blocks of its own (those of up to 512 bytes in their folder's)."""

from collections.abc import Iterable

from epxhost import fileset, manifest
from epxhost.devicelib import profiles

_BLOCK_BYTES = 4096
_INLINE_BYTES = 512
_OTA = "lib/epx/ota"


def measure(_toolchain) -> dict[str, float]:
    rescue = manifest.rescue_files().values()
    sets = {name: fileset.from_repository(name, compiled=True) for name in profiles()}
    updates = {
        path: data
        for files in sets.values()
        for path, data in files.files.items()
        if path.startswith(_OTA)
    }
    return {f"flash_{name}_bytes": files.size() for name, files in sets.items()} | {
        "flash_ota_bytes": sum(map(len, updates.values())),
        "rescue_flash_bytes": sum(map(len, rescue)),
        "rescue_flash_in_blocks_bytes": in_blocks(rescue),
    }


def in_blocks(files: Iterable[bytes]) -> int:
    large = (len(data) for data in files if len(data) > _INLINE_BYTES)
    return sum(-(-size // _BLOCK_BYTES) * _BLOCK_BYTES for size in large)
