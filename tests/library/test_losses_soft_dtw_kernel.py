"""Soft-DTW's compiled programmes beside the plain one: loops (numba), a kernel (Triton, here by its interpreter)."""

import importlib
import os
import subprocess
import sys

import pytest
import torch

from motionbeat.losses import soft_dtw, soft_dtw_divergence

os.environ["TRITON_INTERPRET"] = "1"  # before Triton is imported
implementation = importlib.import_module("motionbeat.losses.soft_dtw")


def needs_triton() -> None:
    pytest.importorskip("triton", reason="Triton comes with torch for GPUs, not with torch for the CPU")


@pytest.fixture(params=["soft_dtw_loops", "soft_dtw_kernel"])
def both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """A function that gives what another one does with the plain programme, and with a compiled one."""
    if request.param == "soft_dtw_kernel":
        needs_triton()
    module = importlib.import_module(f"motionbeat.losses.{request.param}")

    def run(compute) -> list:
        results = []
        for compiled in (None, module):
            monkeypatch.setattr(implementation, "_compiled", lambda cost, band, chosen=compiled: chosen)
            results.append(compute())
        return results

    return run


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the interpreter is NumPy, which warns of infinities
@pytest.mark.parametrize(("n", "m", "band"), [(1, 1, None), (1, 5, None), (16, 16, 1), (9, 13, None), (13, 9, 2)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_are_those_of_the_plain_programme(both, n, m, band, dtype) -> None:
    generator = torch.Generator().manual_seed(n)
    x, y = (torch.rand(3, size, 2, generator=generator, dtype=dtype, requires_grad=True) for size in (n, m))
    lengths = torch.tensor([n, (n + 1) // 2, 1]), torch.tensor([m, m, (m + 1) // 2])
    for function in (soft_dtw, soft_dtw_divergence):

        def compute(function=function) -> list[torch.Tensor]:
            value = function(x, y, 0.1, band=band, lengths=lengths)
            weights = torch.arange(1.0, 4.0, dtype=dtype)
            return [value.detach(), *torch.autograd.grad((value * weights).sum(), (x, y))]

        for expected, found in zip(*both(compute), strict=True):
            torch.testing.assert_close(found, expected, atol=1e-6 if dtype == torch.float32 else 1e-12, rtol=0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nan_stays_in_its_pair(both) -> None:
    x = torch.rand(3, 4, 1, dtype=torch.float64)
    x[1, 2] = torch.nan
    x.requires_grad_()

    def compute() -> list[torch.Tensor]:
        value = soft_dtw(x, torch.zeros_like(x), 0.1)
        return [value.detach().isnan(), torch.autograd.grad(value.sum(), x)[0].isnan().any((1, 2))]

    for values in both(compute):
        assert [value.tolist() for value in values] == [[False, True, False]] * 2


@pytest.mark.parametrize("lanes", [64, 256])
def test_both_kernels_compile_for_a_gpu_that_is_not_here(lanes: int) -> None:
    """Compiled by another process, since this one interprets."""
    needs_triton()
    code = f"""
import triton
from triton.backends.compiler import GPUTarget
from motionbeat.losses import soft_dtw_kernel as kernel
for name, inputs in (("_forward", 2), ("_backward", 6)):
    function = getattr(kernel, name)
    kinds = {{n: "*i64" if n in ("rows", "columns") else "*fp64" for n in function.arg_names[:inputs]}}
    kinds |= {{"n": "i32", "m": "i32", "LANES": "constexpr"}}
    source = triton.compiler.ASTSource(function, kinds, constexprs={{"LANES": {lanes}}})
    warps = kernel._sizes({lanes})[1]
    made = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={{"num_warps": warps}})
    assert made.asm["cubin"]
"""
    plain = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run([sys.executable, "-c", code], env=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
