"""Python stubs of proto/, generated into build/gen-py when a proto is newer than they are."""

import pathlib
import site
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
OUT = ROOT / "build/gen-py"


def generate():
    """Makes the stubs importable (`from regulars.points.v1 import points_service_pb2`)."""
    protos = sorted((ROOT / "proto").rglob("*.proto"))
    stamp = OUT / ".stamp"
    newest = max(path.stat().st_mtime for path in protos)
    if not stamp.exists() or stamp.stat().st_mtime < newest:
        plugin = shutil.which("grpc_python_plugin")
        if plugin is None or shutil.which("protoc") is None:
            raise RuntimeError("protoc and grpc_python_plugin are missing: run `make setup`")
        OUT.mkdir(parents=True, exist_ok=True)
        includes = [path for path in site.getsitepackages()
                    if (pathlib.Path(path) / "google/api/annotations.proto").exists()]
        done = subprocess.run(
            ["protoc", f"-I{ROOT}/proto", *(f"-I{path}" for path in includes),
             f"--python_out={OUT}", f"--grpc_out={OUT}", f"--plugin=protoc-gen-grpc={plugin}",
             *(str(path) for path in protos)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError("the stubs could not be generated:\n" + done.stderr)
        stamp.touch()
    if str(OUT) not in sys.path:
        sys.path.insert(0, str(OUT))
