"""Flash that files take on a board: flash_<profile>_bytes, what scripts/cpall --mpy puts into a
file set; rescue_flash_bytes, the loader and the rescue program as source. In blocks: as littlefs
keeps files on an ESP32, each in blocks of its own (those of up to 512 bytes in their folder's)."""

from collections.abc import Iterable

from epxhost import fileset, manifest

_BLOCK_BYTES = 4096
_INLINE_BYTES = 512


def measure(_toolchain) -> dict[str, float]:
    rescue = manifest.rescue_files().values()
    return {
        "flash_h2o_bytes": fileset.from_repository("h2o", compiled=True).size(),
        "rescue_flash_bytes": sum(map(len, rescue)),
        "rescue_flash_in_blocks_bytes": in_blocks(rescue),
    }


def in_blocks(files: Iterable[bytes]) -> int:
    large = (len(data) for data in files if len(data) > _INLINE_BYTES)
    return sum(-(-size // _BLOCK_BYTES) * _BLOCK_BYTES for size in large)
