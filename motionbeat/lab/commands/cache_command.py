"""`motionbeat cache`: show, limit or delete what is kept for later runs."""

from typing import Annotated

import typer

from motionbeat.cli.command_options import JsonOption, print_json


def cache(
    limit: Annotated[
        float | None,
        typer.Option(min=0, max=1e6, help="New limit of all items in GB; the least recently used are deleted."),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Delete all items.")] = False,
    json: JsonOption = False,
) -> None:
    """Show the cached results of songs and clips, with which a changed corpus needs only its changes.

    The cache is .cache/items, or MOTIONBEAT_CACHE. Results never depend on it.

    Example: motionbeat cache --limit 50
    """
    from motionbeat.lab import item_cache

    folder = item_cache.items_folder()
    if clear:
        item_cache.trim(folder, 0)
    if limit is not None:
        item_cache.set_limit(folder, int(limit * 1e9))
        item_cache.trim(folder, int(limit * 1e9))
    allowed, found = item_cache.limit_of(folder), item_cache.sizes(folder)
    total = sum(size for _, size in found.values())
    if json:
        kinds = {kind: {"items": count, "bytes": size} for kind, (count, size) in found.items()}
        print_json({"folder": str(folder), "bytes": total, "limit": allowed, "kinds": kinds})
        return
    for kind, (count, size) in found.items():
        print(f"{kind:<14}{count:>8,} items {size / 1e9:>9.3f} GB")
    print(f"{folder}: {total / 1e9:.3f} GB, limit {allowed / 1e9:.1f} GB")
