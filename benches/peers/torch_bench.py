"""The same cases in PyTorch (eager and torch.compile), numpy and onnxruntime on the CPU.

python torch_bench.py --threads 1 [--case gemm,ew_] [--peer torch,numpy,torch-compile,onnxruntime]
"""
import argparse
import os
import time
import warnings

warnings.filterwarnings("ignore")
ap = argparse.ArgumentParser()
ap.add_argument("--threads", type=int, default=1)
ap.add_argument("--case", default="")
ap.add_argument("--peer", default="")
ap.add_argument("--reps", type=int, default=5)
ap.add_argument("--ms", type=float, default=20.0)
args = ap.parse_args()
# Read by OpenBLAS, OpenMP and MKL when they load.
for v in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[v] = str(args.threads)
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

torch.set_num_threads(args.threads)
torch.manual_seed(0)
CASES = [c for c in args.case.split(",") if c]
PEERS = [p for p in args.peer.split(",") if p]
# One thread: the CPU time of the process, which other load does not lengthen; else wall clock.
clock = time.process_time if args.threads == 1 else time.perf_counter


def wants(peer, case):
    return (not CASES or any(c in case for c in CASES)) and (not PEERS or peer in PEERS)


def run(peer, case, f, flops=0.0, nbytes=0.0, per=1.0):
    """Calibrated samples of f(); prints one JSON line with the median and the best."""
    if not wants(peer, case):
        return
    t = clock()
    calls = 0
    while calls < 2 or clock() - t < 0.010:
        f()
        calls += 1
    once = (clock() - t) / calls
    iters = max(1, int(np.ceil(args.ms / 1e3 / once)))
    reps = 3 if once > 0.25 else args.reps
    samples = []
    for _ in range(reps):
        t = clock()
        for _ in range(iters):
            f()
        samples.append((clock() - t) * 1e9 / iters)
    samples.sort()
    med, best = samples[len(samples) // 2], samples[0]
    rate = ""
    if flops:
        rate = f',"gflops":{flops / med:.3f},"gflops_best":{flops / best:.3f}'
    elif nbytes:
        rate = f',"gbps":{nbytes / med:.3f},"gbps_best":{nbytes / best:.3f}'
    print(
        f'{{"peer":"{peer}","case":"{case}","threads":{args.threads},'
        f'"ns_per_iter":{med / per:.1f},"ns_best":{best / per:.1f}{rate}}}',
        flush=True,
    )


def attempt(f):
    """A peer that fails on a case says so on stderr and the rest goes on."""
    try:
        f()
    except Exception as e:  # noqa: BLE001
        import sys

        print(f"failed: {f.__name__}: {type(e).__name__}: {str(e)[:300]}", file=sys.stderr)


def r(*shape, dtype=torch.float32):
    return torch.rand(*shape, dtype=dtype) * 2 - 1


def gemm():
    shapes = [(f"gemm_f32_{n}", n, n, n, 0, 0) for n in (64, 128, 256, 512, 1024, 2048)]
    shapes += [
        ("gemm_f32_skinny", 64, 784, 256, 0, 0),
        ("gemm_f32_gemv", 1, 4096, 4096, 0, 0),
        ("gemm_f32_gemv_nt", 1, 4096, 4096, 0, 1),
        ("gemm_f32_512_nt", 512, 512, 512, 0, 1),
        ("gemm_f32_512_tn", 512, 512, 512, 1, 0),
    ]
    for name, m, k, n, ta, tb in shapes:
        a = r(k, m).t() if ta else r(m, k)
        b = r(n, k).t() if tb else r(k, n)
        run("torch", name, lambda: torch.mm(a, b), flops=2.0 * m * k * n)
        an, bn = a.numpy(), b.numpy()
        run("numpy", name, lambda: an @ bn, flops=2.0 * m * k * n)
    a, b = r(512, 512, dtype=torch.float64), r(512, 512, dtype=torch.float64)
    run("torch", "gemm_f64_512", lambda: torch.mm(a, b), flops=2.0 * 512**3)
    an, bn = a.numpy(), b.numpy()
    run("numpy", "gemm_f64_512", lambda: an @ bn, flops=2.0 * 512**3)
    a, b = r(32, 128, 64), r(32, 64, 128)
    run("torch", "batched_matmul", lambda: torch.bmm(a, b), flops=32 * 2.0 * 128 * 128 * 64)
    an, bn = a.numpy(), b.numpy()
    run("numpy", "batched_matmul", lambda: an @ bn, flops=32 * 2.0 * 128 * 128 * 64)


def chain(x, y, z):
    return torch.relu(x * y + z)


def elementwise():
    for tag, n in (("1m", 1 << 20), ("16m", 1 << 24)):
        if not any(wants(p, f"{o}_{tag}") for p in ("torch", "torch-compile") for o in
                   ("ew_add", "ew_chain", "ew_exp", "ew_tanh", "ew_gelu", "ew_gelu_tanh")):
            continue
        x, y, z = r(n), r(n), r(n)
        out = torch.empty(n)
        run("torch", f"ew_add_{tag}", lambda: x + y, nbytes=12.0 * n)
        run("torch-out", f"ew_add_{tag}", lambda: torch.add(x, y, out=out), nbytes=12.0 * n)
        run("torch", f"ew_chain_{tag}", lambda: chain(x, y, z), nbytes=16.0 * n)
        run("torch", f"ew_exp_{tag}", lambda: torch.exp(x), nbytes=8.0 * n)
        run("torch-out", f"ew_exp_{tag}", lambda: torch.exp(x, out=out), nbytes=8.0 * n)
        run("torch", f"ew_tanh_{tag}", lambda: torch.tanh(x), nbytes=8.0 * n)
        run("torch", f"ew_gelu_{tag}", lambda: F.gelu(x), nbytes=8.0 * n)
        run("torch", f"ew_gelu_tanh_{tag}", lambda: F.gelu(x, approximate="tanh"), nbytes=8.0 * n)
        if wants("torch-compile", f"ew_chain_{tag}"):
            def compiled():
                f = torch.compile(chain)
                f(x, y, z)
                run("torch-compile", f"ew_chain_{tag}", lambda: f(x, y, z), nbytes=16.0 * n)
            attempt(compiled)
        if wants("torch-compile", f"ew_gelu_{tag}"):
            def compiled_gelu():
                f = torch.compile(F.gelu)
                f(x)
                run("torch-compile", f"ew_gelu_{tag}", lambda: f(x), nbytes=8.0 * n)
            attempt(compiled_gelu)


def reduce():
    rows, c = 4096, 1024
    n = float(rows * c)
    x, g, h = r(rows, c), r(c), r(c)
    s = "_4096x1024"
    run("torch", "bcast_add" + s, lambda: x + g, nbytes=8 * n)
    run("torch", "sum_all" + s, lambda: x.sum(), nbytes=4 * n)
    run("torch", "sum_axis0" + s, lambda: x.sum(0), nbytes=4 * n)
    run("torch", "sum_axis1" + s, lambda: x.sum(1), nbytes=4 * n)
    run("torch", "softmax" + s, lambda: torch.softmax(x, 1), nbytes=8 * n)
    run("torch", "layer_norm" + s, lambda: F.layer_norm(x, (c,), g, h), nbytes=8 * n)
    if wants("torch", "transpose_copy_4096"):
        x = r(4096, 4096)
        run("torch", "transpose_copy_4096", lambda: x.t().contiguous(), nbytes=8.0 * 4096 * 4096)
    if wants("torch", "gather_50kx256_8192"):
        x = r(50_000, 256)
        i = torch.randint(0, 50_000, (8192,))
        run("torch", "gather_50kx256_8192", lambda: F.embedding(i, x), nbytes=8.0 * 8192 * 256)


def conv():
    cases = [
        ("conv3x3_64", 16, 64, 56, 64, 3, 1, 1),
        ("conv_dw128", 16, 128, 56, 128, 3, 1, 128),
        ("conv5x5_1to32", 16, 1, 28, 32, 5, 0, 1),
        ("conv1x1_256to64", 16, 256, 28, 64, 1, 0, 1),
    ]
    with torch.no_grad():
        for name, n, ci, hw, co, k, p, g in cases:
            if not wants("torch", name):
                continue
            x, w, b = r(n, ci, hw, hw), r(co, ci // g, k, k), r(co)
            o = hw + 2 * p - k + 1
            run("torch", name, lambda: F.conv2d(x, w, b, padding=p, groups=g),
                flops=2.0 * n * co * o * o * (ci // g) * k * k)
        x = r(16, 64, 56, 56)
        run("torch", "max_pool2d", lambda: F.max_pool2d(x, 2), nbytes=5.0 * 16 * 64 * 56 * 56)


def mlp(sizes):
    ls = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        ls.append(torch.nn.Linear(a, b))
        if i + 2 < len(sizes):
            ls.append(torch.nn.ReLU())
    return torch.nn.Sequential(*ls)


class LeNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = torch.nn.Conv2d(1, 6, 5, padding=2)
        self.c2 = torch.nn.Conv2d(6, 16, 5)
        self.fc = mlp([400, 120, 84, 10])

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        return self.fc(x.flatten(1))


class Block(torch.nn.Module):
    def __init__(self, w, sdpa):
        super().__init__()
        self.sdpa = sdpa
        self.n1, self.n2 = torch.nn.LayerNorm(w), torch.nn.LayerNorm(w)
        self.qkv, self.out = torch.nn.Linear(w, 3 * w), torch.nn.Linear(w, w)
        self.up, self.down = torch.nn.Linear(w, 4 * w), torch.nn.Linear(4 * w, w)

    def forward(self, x):
        b, s, w = x.shape
        q, k, v = self.qkv(self.n1(x)).reshape(b, s, 3, 8, w // 8).permute(2, 0, 3, 1, 4)
        if self.sdpa:
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = torch.softmax(q @ k.transpose(2, 3) * (w // 8) ** -0.5, 3) @ v
        x = x + self.out(y.transpose(1, 2).reshape(b, s, w))
        return x + self.down(F.gelu(self.up(self.n2(x))))


def step_of(model, opt, loss, x, y):
    def step():
        opt.zero_grad(set_to_none=True)
        loss(model(x), y).backward()
        opt.step()

    return step


def train():
    def cases():
        yield ("train_mlp_boston", lambda: mlp([13, 64, 64, 1]), "adam", F.mse_loss,
               r(404, 13), r(404, 1))
        yield ("train_mlp_mnist", lambda: mlp([784, 256, 128, 10]), "adam", F.cross_entropy,
               r(128, 784), torch.randint(0, 10, (128,)))
        yield ("train_lenet_mnist", LeNet, "sgd", F.cross_entropy,
               r(64, 1, 28, 28), torch.randint(0, 10, (64,)))
        yield ("train_transformer", lambda: Block(256, True), "adamw", F.mse_loss,
               r(8, 128, 256), r(8, 128, 256))

    def opt_of(kind, m, fused):
        if kind == "adam":
            return torch.optim.Adam(m.parameters(), lr=1e-3, fused=fused)
        if kind == "adamw":
            return torch.optim.AdamW(m.parameters(), lr=1e-3, weight_decay=0.01, fused=fused)
        return torch.optim.SGD(m.parameters(), lr=0.01, momentum=0.9, fused=fused)

    for name, make, kind, loss, x, y in cases():
        if wants("torch", name):
            m = make()
            run("torch", name, step_of(m, opt_of(kind, m, None), loss, x, y))
        if wants("torch-fused", name):
            m = make()
            run("torch-fused", name, step_of(m, opt_of(kind, m, True), loss, x, y))
        if wants("torch-compile", name):
            def compiled():
                m = make()
                c = torch.compile(m)
                s = step_of(c, opt_of(kind, m, True), loss, x, y)
                s()
                run("torch-compile", name, s)
            attempt(compiled)
    if wants("torch-nosdpa", "train_transformer"):
        m = Block(256, False)
        run("torch-nosdpa", "train_transformer",
            step_of(m, opt_of("adamw", m, None), F.mse_loss, r(8, 128, 256), r(8, 128, 256)))
    if wants("torch", "train_smallop"):
        a = r(1).requires_grad_()
        w = r(1).requires_grad_()

        def small():
            a.grad = w.grad = None
            v = a
            for _ in range(500):
                v = v * w
                v = v + a
            v.backward()

        run("torch", "train_smallop", small, per=1000.0)
    small, row = mlp([6, 64, 8, 4]).eval(), r(1, 6)
    m = mlp([784, 256, 128, 10]).eval()
    x = r(1, 784)
    with torch.inference_mode():
        run("torch", "infer_mlp_mnist_b1", lambda: m(x))
        run("torch", "infer_mlp_6_64_8_4", lambda: small(row))
    if wants("torch-compile", "infer_mlp_mnist_b1"):
        def compiled_infer():
            with torch.no_grad():
                c = torch.compile(m)
                c(x)
                run("torch-compile", "infer_mlp_mnist_b1", lambda: c(x))
        attempt(compiled_infer)


def ort_session(model, feeds):
    import onnxruntime as ort

    so = ort.SessionOptions()
    so.intra_op_num_threads = args.threads
    so.inter_op_num_threads = 1
    s = ort.InferenceSession(model.SerializeToString(), so, providers=["CPUExecutionProvider"])
    return lambda: s.run(None, feeds)


def quant():
    flops = 2.0 * 32 * 1024 * 1024
    if wants("torch", "linear_f32_1024_b32") or wants("torch", "linear_int8_1024_b32"):
        m = torch.nn.Linear(1024, 1024).eval()
        x = r(32, 1024)
        with torch.inference_mode():
            run("torch", "linear_f32_1024_b32", lambda: m(x), flops=flops)

            def dynamic():
                q = torch.ao.quantization.quantize_dynamic(
                    torch.nn.Sequential(m), {torch.nn.Linear}, dtype=torch.qint8)
                q(x)
                run("torch", "linear_int8_1024_b32", lambda: q(x), flops=flops)

            attempt(dynamic)
    for rows in (1, 32):
        if wants("torch", f"qmm_f32_{rows}x4096"):
            w, x = r(4096, 4096), r(rows, 4096)
            with torch.inference_mode():
                run("torch", f"qmm_f32_{rows}x4096", lambda: F.linear(x, w),
                    flops=2.0 * rows * 4096 * 4096)
    if wants("onnxruntime", "linear_f32_1024_b32") or wants("onnxruntime", "linear_int8_1024_b32"):
        def ort_cases():
            from onnx import TensorProto, helper, numpy_helper

            rng = np.random.default_rng(0)
            w = rng.uniform(-1, 1, (1024, 1024)).astype(np.float32)
            x = rng.uniform(-1, 1, (32, 1024)).astype(np.float32)

            def model(nodes, inits):
                g = helper.make_graph(
                    nodes, "g",
                    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [32, 1024])],
                    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [32, 1024])],
                    inits)
                return helper.make_model(
                    g, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

            f32 = model([helper.make_node("MatMul", ["x", "w"], ["y"])],
                        [numpy_helper.from_array(w, "w")])
            run("onnxruntime", "linear_f32_1024_b32", ort_session(f32, {"x": x}), flops=flops)
            scale = np.float32(np.abs(w).max() / 127)
            wq = np.clip(np.round(w / scale), -127, 127).astype(np.int8)
            q = model(
                [
                    helper.make_node("DynamicQuantizeLinear", ["x"], ["xq", "xs", "xz"]),
                    helper.make_node("MatMulInteger", ["xq", "wq", "xz", "wz"], ["acc"]),
                    helper.make_node("Cast", ["acc"], ["accf"], to=TensorProto.FLOAT),
                    helper.make_node("Mul", ["xs", "ws"], ["s"]),
                    helper.make_node("Mul", ["accf", "s"], ["y"]),
                ],
                [numpy_helper.from_array(wq, "wq"),
                 numpy_helper.from_array(np.int8(0), "wz"),
                 numpy_helper.from_array(scale, "ws")])
            run("onnxruntime", "linear_int8_1024_b32", ort_session(q, {"x": x}), flops=flops)

        attempt(ort_cases)
    if wants("onnxruntime", "infer_mlp_mnist_b1"):
        def ort_mlp():
            from onnx import TensorProto, helper, numpy_helper

            sizes, nodes, inits, cur = [784, 256, 128, 10], [], [], "x"
            for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
                inits += [numpy_helper.from_array(np.random.rand(a, b).astype(np.float32), f"w{i}"),
                          numpy_helper.from_array(np.random.rand(b).astype(np.float32), f"b{i}")]
                last = i == 2
                nodes.append(helper.make_node("Gemm", [cur, f"w{i}", f"b{i}"],
                                              ["y" if last else f"h{i}"]))
                if not last:
                    nodes.append(helper.make_node("Relu", [f"h{i}"], [f"r{i}"]))
                    cur = f"r{i}"
            g = helper.make_graph(
                nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 784])],
                [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 10])], inits)
            mod = helper.make_model(g, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
            x = np.random.rand(1, 784).astype(np.float32)
            run("onnxruntime", "infer_mlp_mnist_b1", ort_session(mod, {"x": x}))

        attempt(ort_mlp)


for part in (gemm, elementwise, reduce, conv, train, quant):
    attempt(part)
