"""What config.yaml may say, how a mistake is refused, and what a study resolves to."""

import copy
import math

import pytest
from snakemake.utils import validate

from fashion.errors import UserError
from fashion.files import canonical_json
from fashion.study.config import check, check_schema, load_study, refuse_repeated_keys, typed
from fashion.study.definition import resolve
from fashion.study.yaml_file import read_yaml
from helpers.checkout import REPORT, ROOT
from helpers.command import python

PATH = ROOT / "workflow/schemas/config.schema.yaml"
SCHEMA = read_yaml(PATH)


def refusal(config: dict) -> str:
    """The line with which the pipeline refuses `config`, by the way that workflow/rules/common.smk takes."""
    try:
        check_schema(config, SCHEMA)
        validate(config, str(PATH))
        check(config)
        for study in config["studies"]:
            resolve(config, study)
    except UserError as error:
        return str(error)
    return "accepted"


def changed(config: dict, path: str, value) -> dict:
    """A copy of `config` with the value at a dotted path replaced or added."""
    config = copy.deepcopy(config)
    *parents, key = path.split(".")
    node = config
    for parent in parents:
        node = node.setdefault(parent, {})
    node[key] = value
    return config


def test_the_shipped_configuration_is_accepted(config):
    assert refusal(config) == "accepted"


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (
            "modles",
            {},
            "config: top level: unknown key 'modles' (did you mean 'models'?); allowed: study, report, data, ",
        ),
        ("study", "quik", "config: study: unknown name 'quik' (did you mean 'quick'?); known: report, published, "),
        ("data.verify", False, "config: data.verify: false needs data.folder; downloads are always verified"),
        ("data.classes", ["a", "b"], "config: data.classes: ['a', 'b'] is too short"),
        ("data.classes", ["a"] * 10, "(ten different names, in the order of the labels)"),
        *(
            (path, value, f"config: {path}: {value!r} is not allowed (")
            for path in ("models.vgg8.title", "augmentations.mixup.title", "studies.quick.note")
            for value in ("\x1b[31mred", "bell\x07", "\ud800")
        ),
        (
            "models.vgg8.title",
            "a\nb",
            "(up to 60 characters in one line, without control characters",
        ),
        ("models.vgg8.title", 61 * "x", "x' is too long (up to 60 characters in one line"),
        ("data.classes", [*"abcdefghi", 61 * "x"], "x' is too long (up to 60 characters in one line"),
        ("data.classes", [*"abcdefghi", " "], "config: data.classes.9: ' ' is not allowed ("),
        (
            "models.vgg8\n",
            {"family": "vgg", "settings": {"layers": [8]}},
            "(a name is lower-case letters, digits and _",
        ),
        ("training.learning_rate", math.nan, "config: training.learning_rate: nan is not of type 'number' (a decimal"),
        ("training.learning_rate", math.inf, "config: training.learning_rate: inf is not of type 'number' (a decimal"),
        ("training.validation_fraction", math.nan, "training.validation_fraction: nan is not of type 'number'"),
        ("augmentations.mixup.mixup.alpha", math.inf, "mixup.alpha: inf is not of type 'number'"),
        ("models.vit.settings.dropout", math.nan, "models.vit.settings.dropout: nan is not of type 'number'"),
        ("training.batch_size", 64.0, "config: training.batch_size: 64.0 is not of type 'integer'"),
        ("models.vit.settings.depth", 4.0, "config: models.vit.settings.depth: 4.0 is not of type 'integer'"),
        ("studies.quick.seeds", [1.0], "config: studies.quick.seeds.0: 1.0 is not of type 'integer'"),
        ("studies.quick.seeds", [True], "config: studies.quick.seeds.0: True is not of type 'integer'"),
        ("studies.quick.seeds", [10**20], "is greater than the maximum of 4294967295"),
        ("training.epochs", -1, "config: training.epochs: -1 is less than the minimum of 1"),
        ("training.epochs", "ten", "config: training.epochs: 'ten' is not of type 'integer'"),
        ("training.learning_rate", "1e-3", "(a decimal such as 0.001; YAML reads 1e-3 as text)"),
        ("training.batch_size", 0, "config: training.batch_size: 0 is less than the minimum of 1"),
        ("training.patience", 0, "config: training.patience: 0 is less than the minimum of 1"),
        ("training.min_delta", -0.001, "config: training.min_delta: -0.001 is less than the minimum of 0"),
        ("training.tested_weights", "first", "training.tested_weights: 'first' is not one of ['best', 'last']"),
        ("training.optimizer", "adamax", "config: training.optimizer: 'adamax' is not one of ['adam', 'adamw', 'sgd']"),
        ("training.ema_decay", 1, "config: training.ema_decay: 1 is greater than or equal to the maximum of 1"),
        ("training.schedule", "one-cycle", "config: training.schedule: 'one-cycle' is not one of ['constant', "),
        (
            "augmentations.light",
            {"flips": True},
            "config: augmentations.light: unknown key 'flips' (did you mean 'flip'",
        ),
        (
            "studies.report.augmentations_of",
            {"baselin": ["light"]},
            "unknown name 'baselin' (did you mean 'baseline'?)",
        ),
        ("studies.report.augmentations_of", {"baseline": ["ligth"]}, "unknown name 'ligth' (did you mean 'light'?)"),
        ("training.precision", "half", "training.precision: 'half' is not one of ['float32', 'bfloat16']"),
        ("training.validation", "dirty", "config: training.validation: 'dirty' is not one of ['clean', 'augmented']"),
        ("training.validation_fraction", 1, "config: training.validation_fraction: 1 is greater than or equal to"),
        ("training.train_images", 70000, "config: training.train_images: 70000 is greater than the maximum of 60000"),
        ("training.lr", 0.1, "config: training: unknown key 'lr'"),
        ("augmentations.mixup.mixup.alpha", 0, "mixup.alpha: 0 is less than or equal to the minimum of 0"),
        ("augmentations.both.randaugment.magnitude", 31, "31 is greater than the maximum of 30"),
        ("augmentations.both.randaugment.num_ops", 0, "0 is less than the minimum of 1"),
        ("augmentations.both.cutmix", {}, "unknown key 'cutmix'; allowed: title, mixup, randaugment"),
        ("studies.quick.seeds", [], "config: studies.quick.seeds: [] should be non-empty"),
        ("studies.quick.seeds", [1, 1], "config: studies.quick.seeds: [1, 1] has non-unique elements"),
        (
            "studies.quick.augmentations",
            ["all"],
            "config: studies.quick.augmentations: unknown name 'all'; known: none,",
        ),
        ("studies.quick.models", ["vgg9"], "config: studies.quick.models: unknown name 'vgg9' (did you mean 'vgg8'?)"),
        ("studies.quick.training_of", {"vgg9": {}}, "unknown name 'vgg9' (did you mean 'vgg8'?); known: vgg8, "),
        ("models.vgg8.family", "gnn", "config: models.vgg8.family: unknown name 'gnn'; known: resnet, vgg, vit"),
        ("models.vgg8.family", "vgg8", "unknown name 'vgg8' (did you mean 'vgg'?); known: resnet, "),
        ("models.vgg8.family", 8, "config: models.vgg8.family: 8 is not of type 'string'"),
        ("models.vgg8.settings", [8], "config: models.vgg8.settings: [8] is not of type 'object'"),
        ("models.vgg8.settings", {}, "config: models.vgg8.settings: 'layers' is a required property"),
        ("models.vgg8.famly", "vgg", "config: models.vgg8: unknown key 'famly' (did you mean 'family'?)"),
        ("models.VGG 9", {"family": "vgg", "settings": {"layers": [8]}}, "(a name is lower-case letters, digits and _"),
        (
            "models.vgg8.settings.depth",
            3,
            "config: models.vgg8.settings: unknown key 'depth'; allowed: layers, separable",
        ),
        ("models.vgg8.settings.layers", ["M", 8], "config: models.vgg8.settings.layers: begins with M"),
        ("models.vgg8.settings.layers", [8, "P"], "(a number of channels, or M for a max-pooling)"),
        ("models.vgg8.settings.layers", [8, *"MMMMM"], "5 poolings leave nothing of 28 x 28; at most 4"),
        (
            "models.published_resnet18.settings",
            {"layers": [8, *"MMM"], "stem": "large", "head": "average"},
            "3 poolings leave nothing of 28 x 28; at most 2",
        ),
        (
            "models.published_resnet18.settings.dilation",
            2,
            "settings.dilation: has no effect, since block is not basic",
        ),
        ("models.resnet18.settings.stem_dilation", 2, "stem_dilation: has no effect, since stem is not large"),
        ("models.vit_patchfree.settings.patch", 7, "settings.patch: has no effect, since embedding is not patches"),
        ("models.vgg8.settings.dropout", 1, "1 is greater than or equal to the maximum of 1"),
        ("models.resnet18.settings.dilation", 0, "0 is less than the minimum of 1"),
        ("models.resnet18.settings.stem_dilation", 0, "0 is less than the minimum of 1"),
        ("models.resnet18.settings.block", "wide", "settings.block: 'wide' is not one of ['basic', 'separable']"),
        ("models.resnet18.settings.stem", "huge", "settings.stem: 'huge' is not one of ['small', 'large']"),
        ("models.resnet18.settings.head", "sum", "settings.head: 'sum' is not one of ['flatten', 'average']"),
        (
            "models.resnet18.settings.stem",
            "large",
            "config: models.resnet18.settings.head: must be average, since stem is large",
        ),
        (
            "models.resnet18.settings.block",
            "separable",
            "config: models.resnet18.settings.head: must be average, since block is separable",
        ),
        ("models.published_resnet18.settings.head", "flatten", "published_resnet18.settings.head: must be average"),
        ("models.vit.settings.patch", 5, "5 is not one of [2, 4, 7, 14, 28] (a patch divides 28)"),
        ("models.vit.settings.embedding", "pixel", "'pixel' is not one of ['patches', 'pixels', 'convolution']"),
        ("models.vit.settings.norm", "group", "models.vit.settings.norm: 'group' is not one of ['layer', 'batch']"),
        ("models.vit.settings.activation", "tanh", "settings.activation: 'tanh' is not one of ['gelu', 'relu']"),
        ("models.vit.settings.dropout", 1, "settings.dropout: 1 is greater than or equal to the maximum of 1"),
        ("models.vit.settings.position_std", -1, "settings.position_std: -1 is less than the minimum of 0"),
        ("models.vit.settings.depthwise", True, "depthwise: True is not one of ['gelu_first', 'norm_first']"),
        ("models.vit.settings.heads", 7, "config: models.vit.settings.width: 64 is not a multiple of heads, 7"),
        ("models.published_vit_1x4.settings.heads", 7, "settings.width: 64 is not a multiple of heads, 7"),
        ("models.vit_beyer.settings.width", 6, "config: models.vit_beyer.settings.width: 6 is not a multiple of 4"),
        (
            "models.vit.reported",
            {"both": {"epochs": 45}},
            "config: models.vit: unknown key 'reported'; allowed: title, ",
        ),
        ("report", 3, "config: report: 3 is not of type 'string' (the folder of the report that is reproduced)"),
        ("models.published_vgg8.augmentations", ["none"], "the study quick runs none of them; it runs both"),
        ("studies.report.training_of", {"vit": {"train_images": 10, "validation_fraction": 0.01}}, "leaves no image"),
    ],
)
def test_a_mistake_is_one_line_with_its_path_and_what_is_allowed(config, path, value, expected):
    line = refusal(changed(config, path, value))
    assert expected in line
    assert "\n" not in line


@pytest.mark.parametrize("key", ["epochs", "min_delta", "tested_weights"])
def test_a_missing_key_is_named(config, key):
    del config["training"][key]
    assert refusal(config) == f"config: training: '{key}' is a required property"


def test_a_second_model_of_one_name_is_refused(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("models:\n  vit: {family: vit}\n  vgg8: {family: vgg}\n  vit: {family: vit}\n")
    with pytest.raises(UserError, match=r"config\.yaml: line 4: a second 'vit'; rename one"):
        refuse_repeated_keys(path)
    refuse_repeated_keys(ROOT / "config.yaml")


@pytest.mark.parametrize(("key", "value"), [("studies", 2024), ("models", True), ("augmentations", None)])
def test_a_name_that_yaml_reads_as_no_text_is_refused(config, key, value):
    config[key][value] = next(iter(config[key].values()))
    assert refusal(config).startswith(f"config: {key}: {value} is not of type 'string' (a name is lower-case letters")


ENDLESS = {
    "aliases": "a0: &a0 [1, 1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)),
    "mappings": "a0: &a0 {b: 1}\n" + "".join(f"a{n}: &a{n} {{b: *a{n - 1}, c: *a{n - 1}}}\n" for n in range(1, 40)),
    "lists": "[" * 5000 + "]" * 5000,
    "levels": "{a: " * 5000 + "1" + "}" * 5000,
}


@pytest.mark.parametrize(
    ("content", "refused"),
    [
        *((text.encode(), "more than 50 levels, or 100,000 values with all aliases") for text in ENDLESS.values()),
        (b"a: 1\nme: &me [1, *me]\n", r"line 2: \*me stands within &me itself"),
        (b"a: &outer {b: &inner [*outer]}\n", r"line 1: \*outer stands within &outer itself"),
        ("# café\n".encode("latin-1"), "not text in UTF-8; save it anew"),
        ("a: 1\n".encode("utf-16"), "not text in UTF-8; save it anew"),
        (b"a: [1\n", "line 2, column 1: not YAML: "),
        (b"a: \x00\n", "not YAML: "),
        (b"a: *unknown\n", "line 1, column 4: not YAML: found undefined alias"),
        (b"a: !!python/object:os.system ls\n", "line 1, column 4: not YAML: could not determine a constructor"),
    ],
)
@pytest.mark.parametrize("read", [read_yaml, refuse_repeated_keys, lambda path: load_study([path])])
def test_a_file_that_would_crash_its_readers_or_never_end_is_refused_in_one_line(content, refused, read, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    if read is refuse_repeated_keys and b"python" in content:
        pytest.skip("composes, and constructs nothing")
    with pytest.raises(UserError, match=refused) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_aliases_that_are_merely_many_are_read(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("a: &a [1, 2]\n" + "".join(f"b{n}: *a\n" for n in range(10_000)))
    assert len(read_yaml(path)) == 10_001


def test_numbers_within_a_value_of_the_command_line_are_numbers():
    given = {"training": {"learning_rate": "0.01", "flip_averaging": "true", "optimizer": "adam"}}
    given |= {"studies": {"mine": {"seeds": ["0", "1"], "note": "a: b"}}, "data": {"folder": "null"}, "claim": "[:"}
    assert typed(given) == {
        "training": {"learning_rate": 0.01, "flip_averaging": True, "optimizer": "adam"},
        "studies": {"mine": {"seeds": [0, 1], "note": "a: b"}},
        "data": {"folder": None},
        "claim": "[:",
    }


def test_a_study_runs_each_model_augmentation_and_seed(config):
    described = [name for name in config["models"] if not name.startswith(("published_", "baseline"))]
    assert len(described) == 12
    ablation, quick = resolve(config, "ablation"), resolve(config, "quick")
    assert list(ablation.models) == described
    assert len(ablation.specs) == 12 * 4 * 3
    assert quick.models.keys() < resolve(config, "published").models.keys()
    assert len(quick.specs) == len(quick.models)
    report = resolve(config, "report")
    assert list(report.models) == [*described, "baseline"]
    assert len(report.specs) == 12 * 2 * 3 + 3
    assert report.groups["baseline", "light"] == [0, 1, 2]  # in place of the study's augmentations


def test_a_study_runs_all_models_or_those_it_names(config):
    few = resolve(changed(config, "studies.quick.models", ["vit", "vgg8"]), "quick")
    assert {model for model, _, _ in few.specs} == few.models.keys() == {"vit", "vgg8"}
    del config["studies"]["quick"]["models"]
    for entry in config["models"].values():
        entry.pop("augmentations", None)
    assert resolve(config, "quick").models.keys() == config["models"].keys()


def test_the_published_study_repeats_each_published_run_under_its_protocol(config):
    study = resolve(config, "published")
    assert len(study.models) == len(config["models"]) - 12 - 1
    repeated = {
        numbers["run"]: study.specs[model, augmentation, 4]
        for model, reported in REPORT.reported.items()
        if model in study.models
        for augmentation, numbers in reported.items()
    }
    assert sorted(repeated, key=lambda run: int(run[1:])) == [f"P{number}" for number in range(1, 16)]
    unaugmented = {"P1", "P2", "P3", "P10", "P11", "P12"}
    assert {run for run, spec in repeated.items() if spec["augmentation"] == {"name": "none"}} == unaugmented
    for run, spec in repeated.items():
        if run not in unaugmented:
            assert spec["augmentation"]["mixup"] == {"alpha": 0.4}
            assert spec["augmentation"]["randaugment"] == {"num_ops": 2, "magnitude": 9}
        assert spec["training"] == {
            **config["training"],
            "validation": "augmented",
            "tested_weights": "last",
            "min_delta": 0.001 if int(run[1:]) >= 9 else 0,
        }


def test_what_is_described_is_validated_on_clean_images_and_tested_at_its_best(config):
    for (model, _, _), spec in resolve(config, "report").specs.items():
        if model == "baseline":  # ours
            continue
        protocol = {"validation": "clean", "tested_weights": "best", "min_delta": 0}
        assert protocol.items() <= spec["training"].items()


def test_a_models_augmentations_restrict_the_studies(config):
    config["models"]["vgg12"]["augmentations"] = ["both", "none"]
    study = resolve(config, "ablation")
    assert study.augmentations["vgg12"] == ("none", "both")
    assert ("vgg12", "mixup", 0) not in study.specs


def test_settings_are_merged_from_the_general_to_the_particular(config):
    model = "published_vgg12"
    config["models"][model]["training"] = {"learning_rate": 0.0005, "epochs": 50}
    quick = resolve(config, "quick").specs[model, "both", 0]["training"]
    assert quick["batch_size"] == 64  # from training
    assert quick["learning_rate"] == 0.0005  # from the model
    assert quick["epochs"] == config["studies"]["quick"]["training"]["epochs"]  # from the study
    # From the study, for this model:
    assert quick["train_images"] == config["studies"]["quick"]["training_of"][model]["train_images"]
    assert resolve(config, "published").specs[model, "both", 0]["training"]["epochs"] == 50


def test_a_precision_is_in_the_specs_of_those_that_have_one(config):
    config["models"]["vit"]["training"] = {"precision": "bfloat16"}
    study = resolve(config, "report")
    given = {model for (model, _, _), spec in study.specs.items() if "precision" in spec["training"]}
    assert given == {"vit"}
    assert study.hyperparameters()["overrides"]["vit"] == {"precision": "bfloat16"}


def test_a_spec_holds_what_a_run_depends_on_and_nothing_else(config):
    spec = resolve(config, "report").specs["vgg8", "both", 1]
    assert sorted(spec) == ["augmentation", "model", "seed", "study", "training"]
    assert spec["model"] == {"name": "vgg8", "family": "vgg", "settings": config["models"]["vgg8"]["settings"]}
    assert "reported" not in canonical_json(spec)


def test_a_spec_does_not_depend_on_the_order_of_keys(config):
    def reordered(value):
        if isinstance(value, dict):
            return {key: reordered(value[key]) for key in reversed(value)}
        return value

    one, other = resolve(config, "report").specs, resolve(reordered(config), "report").specs
    assert {run: canonical_json(spec) for run, spec in one.items()} == {
        run: canonical_json(spec) for run, spec in other.items()
    }


def test_planning_a_study_imports_no_torch():
    code = (
        "import sys, fashion.study.config, fashion.study.resources, fashion.files;"
        "from fashion.models.families import FAMILIES, part; [part(family, 'settings') for family in FAMILIES];"
        "sys.exit('torch' in sys.modules)"
    )
    assert python("-c", code).returncode == 0


def test_with_other_data_than_fashion_mnist_the_note_says_so_and_all_else_is_as_it_was(config):
    published, other = resolve(config, "published"), resolve(config, "published", other_data=True)
    assert other.specs == published.specs
    assert other.note == "the dataset is not Fashion-MNIST: nothing that the report says applies to it"
    assert resolve(config, "quick", other_data=True).note.startswith("quick study: ")
    assert resolve(config, "published") == published  # the configuration is as it was
