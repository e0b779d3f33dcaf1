"""The most bytes of tensors that PyTorch holds within a step of training, on the CPU.

python memory.py        prints the rows of `lepton-bench memory` for PyTorch

Counted at its allocator: every allocation and release that the profiler saw within a step, in the order
of time, on top of what lives between steps (parameters, the optimiser's state, inputs). Gradients are
released at the end of the step, as lepton's are. Buffers that oneDNN or MKL keep for themselves are not
seen.
"""
import sys

import torch
import torch.nn.functional as F
from torch._C._profiler import _EventType
from torch.profiler import ProfilerActivity, profile

sys.argv = ["torch_bench.py", "--case", "none"]  # its models, none of its cases
from torch_bench import Block, LeNet, mlp, r  # noqa: E402


def allocations(events):
    """(time, bytes) of all allocations and releases in a tree of events."""
    for event in events:
        kind, fields = event.typed
        if kind == _EventType.Allocation:
            yield event.start_time_ns, fields.alloc_size
        yield from allocations(event.children)


def watch(name, model, optimizer, loss, x, y):
    def step():
        loss(model(x), y).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    for _ in range(3):
        step()
    state = [t for s in optimizer.state.values() for t in s.values() if torch.is_tensor(t)]
    at_rest = sum(t.untyped_storage().nbytes() for t in [*model.parameters(), *state, x, y])
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True, record_shapes=True) as p:
        step()
    held, peak = 0, 0
    for _, size in sorted(allocations(p.profiler.kineto_results.experimental_event_tree())):
        held += size
        peak = max(peak, held)
    print(f"{name:20} at rest {at_rest / 1e6:8.3f} MB   peak {(at_rest + peak) / 1e6:8.3f} MB   left over {held} B")


torch.set_num_threads(1)
lenet, block, boston = LeNet(), Block(256, True), mlp([13, 64, 64, 1])
watch("train_lenet_mnist", lenet, torch.optim.SGD(lenet.parameters(), lr=0.01, momentum=0.9),
      F.cross_entropy, r(64, 1, 28, 28), torch.randint(0, 10, (64,)))
watch("train_transformer", block, torch.optim.AdamW(block.parameters(), lr=1e-3, weight_decay=0.01),
      F.mse_loss, r(8, 128, 256), r(8, 128, 256))
watch("train_mlp_boston", boston, torch.optim.Adam(boston.parameters(), lr=1e-3),
      F.mse_loss, r(404, 13), r(404, 1))
