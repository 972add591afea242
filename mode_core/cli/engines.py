"""Where `bench` does its jobs: in processes of this machine, or as tasks of Ray."""

from __future__ import annotations

import argparse

from mode_core.cli import parsing
from mode_core.errors import ModeError
from mode_core.evaluation.cluster import Cluster
from mode_core.evaluation.session import LOCAL, need_ray
from mode_core.evaluation.workers import Engine, Processes


def add_options(parser: argparse.ArgumentParser) -> None:
    """Attach what chooses an engine."""
    parser.add_argument(
        "--workers",
        type=parsing.positive,
        help="processes, one unless given; with --ray tasks at a time, as many as fit unless given",
    )
    parser.add_argument(
        "--ray",
        type=parsing.ray_address,
        metavar="local|ADDRESS",
        help="measure by tasks of Ray: local starts it here, ADDRESS is a cluster's "
        "(HOST:PORT or ray://HOST:10001), whose nodes have this program and these weights",
    )
    parser.add_argument(
        "--gpus-per-task",
        type=parsing.gpu_share,
        default=0.0,
        metavar="SHARE",
        help="with --ray, what part of a GPU each task takes, such as 0.25; none unless given",
    )


def engine_of(args: argparse.Namespace) -> Engine:
    """The engine that was chosen; ModeError if it is not to be had."""
    if args.ray is None:
        if args.gpus_per_task:
            raise ModeError("--gpus-per-task goes with --ray")
        return Processes(args.workers or 1)
    need_ray()
    return Cluster(args.ray, args.workers, args.gpus_per_task)


def typed(args: argparse.Namespace) -> list[str]:
    """The choice as anybody would type it; where somebody's cluster is, is nobody's business."""
    if args.ray is None:
        return ["--workers", str(args.workers or 1)]
    words = ["--workers", str(args.workers)] if args.workers else []
    words += ["--ray", LOCAL if args.ray == LOCAL else "ADDRESS"]
    return words + (["--gpus-per-task", f"{args.gpus_per_task:g}"] if args.gpus_per_task else [])


def ran_on(engine: Engine) -> dict[str, object]:
    """What the JSON file beside the rows says of a cluster's devices; nothing of this machine's."""
    devices = engine.devices if isinstance(engine, Cluster) else ()
    return {"device": "; ".join(sorted(devices))} if devices else {}
