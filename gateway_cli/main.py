"""The command `dragoman`. Every command's code is imported when it runs: help must come at once."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from gateway_cli import FAILED, INTERRUPTED, MISUSED

if TYPE_CHECKING:
    from gateway_cli.core import CoreTls, Reach


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit status."""
    arguments = parser().parse_args(argv)
    from gateway_core.settings.file import SettingsError

    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except SettingsError as error:
        print(f"dragoman: {error}", file=sys.stderr)
        return MISUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="dragoman", description="A gateway between AI applications and model providers.")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_servers(commands)
    _add_clients(commands)

    check = _command(commands, "check", run_check, "check the configuration and ask every provider for its models")
    _add_config(check)
    health = _command(commands, "health", run_health, "ask a core whether it serves: for container health checks")
    _add_core(health, required=True)
    keys = commands.add_parser("keys", help="make keys for the gateway").add_subparsers(metavar="COMMAND", required=True)
    create = _command(keys, "create", run_keys_create, "make a key: it is shown once")
    create.add_argument("name", metavar="NAME", help="whose key it is; appears in logs")
    _command(commands, "version", run_version, "print the version")
    return root


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _add_servers(commands: Commands) -> None:
    serve = _command(commands, "serve", run_serve, "run the gateway in one process: HTTP and gRPC")
    _add_address(serve, "--http", "127.0.0.1:8080")
    _add_address(serve, "--grpc", "127.0.0.1:50051")
    _add_config(serve)
    serve.add_argument(
        "--workers", metavar="N", type=_positive, default=1, help="processes that share the ports (default 1)"
    )
    serve.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)
    serve.add_argument("--storage", type=Path, help=argparse.SUPPRESS)

    core = _command(commands, "core", run_core, "run the core alone: gRPC")
    _add_address(core, "--grpc", "127.0.0.1:50051")
    _add_config(core)

    facade = _command(commands, "facade", run_facade, "run the HTTP facade alone, in front of a core elsewhere")
    _add_address(facade, "--http", "127.0.0.1:8080")
    _add_core(facade, required=True)
    _add_config(facade)


def _add_clients(commands: Commands) -> None:
    models = _command(commands, "models", run_models, "list the models that can be named")
    models.add_argument("--provider", metavar="NAME", default="", help="only this provider's")
    chat = _command(commands, "chat", run_chat, "say something to a model and print what it answers")
    chat.add_argument("message", nargs="*", help="what to say; without it, standard input is read")
    chat.add_argument(
        "--model", metavar="MODEL", default="", help="provider/model or a route (default: [chat] model, or demo/echo)"
    )
    chat.add_argument("--system", metavar="TEXT", default="", help="instructions that come first")
    for command in (models, chat):
        _add_core(command, required=False)
        command.add_argument(
            "--key", metavar="KEY", default="", help="the gateway key for --core; env:NAME reads a variable"
        )
        _add_config(command)


def _command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], int], summary: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    command.set_defaults(run=run)
    return command


def _add_address(command: argparse.ArgumentParser, flag: str, default: str) -> None:
    command.add_argument(flag, metavar="HOST:PORT", help=f"where to listen (default {default})")


def _add_config(command: argparse.ArgumentParser) -> None:
    command.add_argument("--config", metavar="FILE", type=Path, help="a TOML file (default: DRAGOMAN_CONFIG, or none)")


def _add_core(command: argparse.ArgumentParser, *, required: bool) -> None:
    command.add_argument(
        "--core", metavar="ADDRESS", required=required, help="a running core: HOST:PORT or dns:///HOST:PORT"
    )
    command.add_argument(
        "--core-ca", metavar="FILE", type=Path, help="speak TLS to it, trusting this PEM file's authorities"
    )
    command.add_argument("--core-cert", metavar="FILE", type=Path, help="show it this certificate (mutual TLS)")
    command.add_argument("--core-cert-key", metavar="FILE", type=Path, help="the certificate's private key")


def _core_tls(arguments: argparse.Namespace) -> CoreTls:
    from gateway_cli.core import CoreTls

    return CoreTls(arguments.core_ca, arguments.core_cert, arguments.core_cert_key)


def _reach(arguments: argparse.Namespace) -> Reach:
    from gateway_cli.core import Reach

    return Reach(arguments.config, arguments.core, _core_tls(arguments), arguments.key)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def run_serve(arguments: argparse.Namespace) -> int:
    if arguments.workers > 1:
        from gateway_cli.workers import supervise

        return supervise(arguments.config, arguments.http, arguments.grpc, arguments.workers)
    from gateway_cli.serve import serve

    return serve(arguments.config, arguments.http, arguments.grpc, ready_fd=arguments.ready_fd, storage=arguments.storage)


def run_core(arguments: argparse.Namespace) -> int:
    from gateway_cli.serve import core

    return core(arguments.config, arguments.grpc)


def run_facade(arguments: argparse.Namespace) -> int:
    from gateway_cli.serve import facade

    return facade(arguments.config, arguments.http, arguments.core, _core_tls(arguments))


def run_models(arguments: argparse.Namespace) -> int:
    from gateway_cli.models import models

    return models(_reach(arguments), arguments.provider)


def run_chat(arguments: argparse.Namespace) -> int:
    from gateway_cli.chat import chat

    message = " ".join(arguments.message) or sys.stdin.read()
    return chat(_reach(arguments), message, model=arguments.model, system=arguments.system)


def run_check(arguments: argparse.Namespace) -> int:
    from gateway_cli.models import check

    return check(arguments.config)


def run_health(arguments: argparse.Namespace) -> int:
    from gateway_cli.core import health

    return health(arguments.core, _core_tls(arguments))


def run_keys_create(arguments: argparse.Namespace) -> int:
    from gateway_core.accounts.keys import create_key

    key, hashed = create_key()
    print(f"{key}\n")
    print("This is the only time that the key is shown. Give it to its owner, and put its hash into the config:\n")
    print(f'[[keys]]\nname = "{arguments.name}"\nhash = "{hashed}"\n')
    print(f"or into the environment: DRAGOMAN_API_KEYS={arguments.name}={hashed}")
    return 0


def run_version(arguments: argparse.Namespace) -> int:
    from importlib.metadata import version

    print(version("dragoman"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
