"""A trained model as an ONNX file, for programs without PyTorch."""

from importlib.util import find_spec
from pathlib import Path

import torch

from fashion.errors import UserError
from fashion.files import atomic, canonical_json
from fashion.image import IMAGE_SHAPE, NUM_CLASSES
from fashion.study.run_folder import classes_of, read_run_spec, weights_of
from fashion.study.spec import run_name
from fashion.training.inference import load_model


def export(run: Path, path: Path) -> str:
    """Writes a run's trained model atomically as one ONNX file, weights included.

    Its input `images` is `[N, 1, 28, 28] float32` in [-1, 1], for any N; its output `logits` is `[N, 10] float32`. Its
    metadata has `classes`, a JSON list of the ten names, and the run's `spec`.

    Args:
        run: the run's folder.

    Returns:
        A sentence on what was written.

    Raises:
        UserError: the run or its weights are not usable, ONNX is not installed, or the file cannot be written.
    """
    # Without these modules torch.onnx raises a traceback.
    if missing := [name for name in ("onnxscript", "onnx") if find_spec(name) is None]:
        raise UserError(f"no module {missing[0]}, which ONNX needs: pip install 'fashion[export]'")
    spec = read_run_spec(run)
    model = load_model(spec, weights_of(run), torch.device("cpu"))
    if not all(torch.isfinite(weight).all() for weight in model.state_dict().values()):
        raise UserError(f"{run}: its weights are no numbers: its training diverged; choose another run")
    program = torch.onnx.export(
        model,
        (torch.zeros(2, *IMAGE_SHAPE),),
        input_names=["images"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("N")},),
        dynamo=True,
        verbose=False,
    )
    assert program  # `dynamo` always returns one
    program.model.metadata_props.update(classes=canonical_json(classes_of(run)), spec=canonical_json(spec))
    try:
        with atomic(path) as temporary:
            program.save(temporary, external_data=False)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error}") from error
    ends = f"input images [N, 1, 28, 28] float32 in [-1, 1], output logits [N, {NUM_CLASSES}] float32"
    return f"wrote {path}, {path.stat().st_size:,} bytes: {run_name(spec)}, {ends}"
