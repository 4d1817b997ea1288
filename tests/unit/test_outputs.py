"""Which tables and figures a study has, and what the jobs that make them are told."""

import json
from pathlib import Path

import pytest
import yaml

from fashion.files import canonical_json
from fashion.study import outputs
from fashion.study.definition import Study, grouped, resolve
from fashion.study.kinds import FIGURE_KINDS, TABLE_KINDS
from fashion.study.outputs import figures, reading_of, tables
from fashion.study.report import Report
from fashion.study.summary import summary
from helpers.checkout import CONFIG, REPORT

STUDIES = {name: resolve(CONFIG, name) for name in ("report", "published", "quick", "baseline")}
OF_NO_RUN = ["table1_classes", "table2_operations", "table3_hyperparameters", "duplicates"]
OF_NO_RUN += ["claims", "statements", "deviations"]
PREVIEWS = ["fig01_samples", "fig02_mixup", "ext01_randaugment", "ext02_mixup_alpha"]
DIAGRAMS = [name for name, figure in REPORT.figures.items() if figure["kind"] == "diagram"]


def names(made: list[outputs.Output]) -> list[str]:
    return [one.name for one in made]


def figure(study: Study, name: str, report: Report = REPORT) -> outputs.Output:
    (one,) = (one for one in figures(study, report) if one.name == name)
    return one


@pytest.mark.parametrize("study", ["report", "published", "quick"])
def test_every_figure_of_the_report_is_in_each_of_its_studies_by_its_number(study):
    of_report = [one for one in figures(STUDIES[study], REPORT) if one.number]
    assert [one.number for one in of_report] == list(range(1, 18))
    assert all(one.name.startswith(f"fig{one.number:02}_") for one in of_report)
    assert {one.section for one in of_report} == {"Figures of the report"}
    assert names(of_report)[10:13] == [
        "fig11_resnet18_kernels_curves",
        "fig12_resnet18_dilated_curves",
        "fig13_vit_diagram",
    ]


def test_a_figure_shows_the_models_of_the_studys_reading():
    kernels = "fig11_resnet18_kernels_curves"
    assert figure(STUDIES["report"], kernels).models == ("resnet18_narrow", "resnet18_wide")
    assert figure(STUDIES["published"], kernels).models == ("published_resnet18_wide",)
    assert figure(STUDIES["quick"], kernels).runs == (("published_resnet18_wide", "both", 0),)
    # A study without a reading of its own answers the default one.
    assert reading_of(STUDIES["baseline"], REPORT) == REPORT.about["default_reading"] == "as_described"


def test_a_figure_without_any_of_its_models_is_left_out_and_one_with_some_shows_those(config):
    config["studies"]["quick"] |= {"models": ["resnet18_wide", "vgg8_dsc"], "reading": "as_described"}
    study = resolve(config, "quick")
    made = figures(study, REPORT)
    assert [one.name for one in made if one.job == "curves"] == ["fig11_resnet18_kernels_curves", "ext03_other_curves"]
    assert figure(study, "fig11_resnet18_kernels_curves").models == ("resnet18_wide",)
    assert figure(study, "ext03_other_curves").models == ("vgg8_dsc",)
    runs = (("resnet18_wide", "both", 0), ("vgg8_dsc", "both", 0))
    assert {one.runs for one in made if one.job == "overviews"} == {runs}


def test_a_figure_of_all_models_is_about_none_of_them():
    about = {one.job: one.models != () for one in figures(STUDIES["published"], REPORT)}
    assert about == {"samples": False, "diagrams": True, "curves": True, "overviews": False}


def test_the_other_curves_are_of_the_models_whose_curves_no_figure_of_the_reading_shows(config):
    # VGG12 has a log.
    assert figure(STUDIES["report"], "ext03_other_curves").models == ("vgg8_dsc", "vgg12", "vit_beyer", "baseline")
    shown = {model for one in figures(STUDIES["published"], REPORT) if one.kind == "curves" for model in one.models}
    assert shown == STUDIES["published"].models.keys()
    config["studies"]["quick"]["models"] = ["published_vgg8"]
    assert "ext03_other_curves" not in names(figures(resolve(config, "quick"), REPORT))


def test_diagrams_are_drawn_of_the_configurations_models_whichever_a_study_trains(config):
    assert [one.name for one in figures(STUDIES["baseline"], REPORT) if one.job == "diagrams"] == DIAGRAMS
    drawn = figure(STUDIES["published"], "fig03_vgg8_diagram")
    entry = CONFIG["models"]["vgg8"]
    assert drawn.settings == {"entry": {"name": "VGG8", "family": "vgg", "settings": entry["settings"]}}
    assert drawn.runs == ()
    del config["models"]["vgg8"]
    config["studies"]["published"]["models"].remove("published_vgg8")
    assert "fig03_vgg8_diagram" not in names(figures(resolve(config, "published"), REPORT))


def test_curves_show_all_seeds_of_one_augmentation_and_logs_the_first():
    assert figure(STUDIES["report"], "fig04_vgg8_curves").runs == tuple(("vgg8", "both", seed) for seed in (0, 1, 2))
    assert figure(STUDIES["report"], "fig08_vgg12_log").runs == (("vgg12", "both", 0),)
    # Without augmentation alone.
    assert figure(STUDIES["published"], "fig17_vit_patchfree_curves").runs == tuple(
        ("published_vit_simplified", "none", seed) for seed in range(5)
    )


def test_curves_have_the_reports_numbers_of_the_augmentation_that_they_show(config):
    def reported(study: Study, number: str) -> dict:
        return figure(study, number).settings["reported"]

    published = STUDIES["published"]
    assert reported(published, "fig04_vgg8_curves") == {"published_vgg8": REPORT.numbers("published_vgg8", "both")}
    assert reported(published, "fig17_vit_patchfree_curves")["published_vit_simplified"]["run"] == "P2"
    assert reported(published, "fig06_vgg8_wide_curves") == {}
    config["studies"]["published"]["augmentations"] = ["both", "none"]
    assert reported(resolve(config, "published"), "fig04_vgg8_curves")["published_vgg8"]["run"] == "P10"
    held_out = {one.name: one.settings["held_out"] for one in figures(published, REPORT) if one.kind == "curves"}
    assert [name for name, part in held_out.items() if part == "test"] == ["fig12_resnet18_dilated_curves"]


def test_what_shows_an_augmentation_is_made_where_a_study_has_it(config):
    baseline = STUDIES["baseline"]  # neither MixUp nor RandAugment
    assert "fig02_mixup" not in names(figures(baseline, REPORT))
    assert "table2_operations" not in names(tables(baseline, REPORT))
    config["studies"]["quick"] |= {"augmentations": ["mixup", "both"]}
    config["augmentations"]["both"] = {"mixup": {"alpha": 0.2}, "randaugment": {"num_ops": 2, "magnitude": 5}}
    study = resolve(config, "quick")
    assert figure(study, "fig02_mixup").settings == {"alphas": [0.2, 0.4]}
    (operations,) = (one for one in tables(study, REPORT) if one.kind == "operations")
    assert operations.settings == {"magnitudes": [5]}


def test_published_runs_are_repeated_by_the_study_that_has_them():
    repeating = {name for name, study in STUDIES.items() if "repeats" in names(tables(study, REPORT))}
    assert repeating == {"published", "quick"}
    assert {name for name, study in STUDIES.items() if "ext11_repeats" in names(figures(study, REPORT))} == repeating


def test_a_part_of_a_study_shows_its_runs_and_what_needs_none():
    whole = STUDIES["published"]
    of_none, part = whole.only([]), whole.only([("published_resnet18_wide", "none", 1)])
    assert names(tables(of_none, REPORT)) == OF_NO_RUN
    assert sorted(names(figures(of_none, REPORT))) == sorted([*PREVIEWS, *DIAGRAMS])
    assert set(names(figures(of_none, REPORT))) < set(names(figures(part, REPORT))) < set(names(figures(whole, REPORT)))
    kernels = figure(part, "fig11_resnet18_kernels_curves")
    assert (kernels.models, kernels.runs) == (("published_resnet18_wide",), (("published_resnet18_wide", "none", 1),))
    # What is made without runs is as the whole study's.
    for name in ("fig02_mixup", *DIAGRAMS):
        assert figure(of_none, name) == figure(whole, name)
    assert part.hyperparameters() == whole.hyperparameters()


def test_a_summary_has_the_models_of_the_runs_and_what_the_others_are_built_from():
    whole, part = STUDIES["published"], STUDIES["published"].only([("published_vgg8", "none", 1)])
    of_part, of_whole = summary(part, REPORT), summary(whole, REPORT)
    assert of_part["models"] == {
        "published_vgg8": {"augmentations": {"none": [1]}, "reported": REPORT.reported["published_vgg8"]}
    }
    assert of_part["titles"] == of_whole["titles"]
    assert of_part["titles"]["published_vgg8"] == "VGG8"
    assert of_whole["networks"] == {}
    assert of_part["networks"].keys() == whole.models.keys() - {"published_vgg8"}
    assert of_part["networks"]["baseline"].keys() == {"family", "settings"}
    assert (of_part["study"], of_part["reading"]) == ("published", "as_published")
    assert of_part["accuracy_goals"] == REPORT.about["accuracy_goals"]


def test_with_other_data_than_fashion_mnist_no_number_of_the_report_is_left():
    published, other = STUDIES["published"], resolve(CONFIG, "published", other_data=True)
    assert "repeats" not in names(tables(other, REPORT))
    assert names(figures(other, REPORT)) == [
        name for name in names(figures(published, REPORT)) if name != "ext11_repeats"
    ]
    assert not any(entry["reported"] for entry in summary(other, REPORT)["models"].values())
    assert all(not one.settings["reported"] for one in figures(other, REPORT) if one.kind == "curves")
    assert summary(other, REPORT)["other_data"]
    assert "other_data" not in summary(published, REPORT)


def test_every_output_is_made_by_one_job_that_is_told_what_it_shows():
    study = STUDIES["report"]
    made = [*tables(study, REPORT), *figures(study, REPORT)]
    jobs = {one.job for one in made}
    assert jobs == {"tables", "claims", "samples", "diagrams", "curves", "overviews"}
    assert len({one.name for one in made}) == len(made)
    log = figure(study, "fig08_vgg12_log")
    assert log.told == {"kind": "log", "models": ("vgg12",), "first_seeds": True}
    assert grouped(log.runs) == [["vgg12", "both", [0]]]
    assert figure(study, "ext04_confusion").told == {"kind": "confusion"}, "all models, all seeds"
    # As part of one param of a rule.
    assert all(canonical_json(one.told) for one in made)


def test_what_the_page_is_told_is_json():
    for one in [*tables(STUDIES["published"], REPORT), *figures(STUDIES["published"], REPORT)]:
        shown = json.loads(canonical_json(one.shown))
        assert shown["models"] == list(one.models)
        assert (shown["title"], shown["caption"], shown["quoted"]) == (one.title, one.caption, one.quoted)
    assert figure(STUDIES["report"], "fig03_vgg8_diagram").title == "Fig. 3: layers of VGG8"
    assert figure(STUDIES["report"], "ext04_confusion").title == "Confusion of classes"


def test_another_report_has_its_own_figures(tmp_path: Path):
    written = {
        "report": {"default_reading": "only", "accuracy_goals": [0.5]},
        "reported": {"vit": {"both": {"epochs": 4}}},
        "figures": {
            "fig01_curves": {"kind": "curves", "number": 1, "title": "t", "caption": "c", "models": {"only": ["vit"]}}
        },
        "tables": {
            "comparison": {"title": "t", "caption": "c"},
            "mine": {"kind": "classes", "title": "t", "caption": "c"},
        },
    }
    for name, content in written.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content))
    report = Report(tmp_path)
    (curves,) = figures(STUDIES["report"], report)
    assert curves.settings == {"reported": {"vit": {"epochs": 4}}, "held_out": "validation"}
    assert [(one.name, one.kind) for one in tables(STUDIES["report"], report)] == [
        ("comparison", "comparison"),
        ("mine", "classes"),
    ]
    assert figures(STUDIES["published"], report) == []


def test_every_kind_is_shown_by_the_report():
    assert {entry["kind"] for entry in REPORT.figures.values()} == FIGURE_KINDS.keys()
    assert {entry.get("kind", name) for name, entry in REPORT.tables.items()} == TABLE_KINDS.keys()


def test_networks_and_trainings_are_compared_by_the_study_that_runs_them_all():
    made = [*tables(STUDIES["published"], REPORT), *figures(STUDIES["published"], REPORT)]
    assert [one.name for one in made if one.kind in ("factorial", "effects")] == ["factorial", "ext12_effects"]
    (table,) = (one for one in made if one.name == "factorial")
    study = STUDIES["published"]
    cells = table.settings["cells"]
    specs = [study.specs[model, augmentation, 0] for _, _, model, augmentation in cells]
    # Two networks, two trainings, the same images.
    networks = [spec["model"]["settings"] for spec in specs]
    trainings = [spec["training"] for spec in specs]
    assert networks[0] == networks[1] != networks[2] == networks[3]
    assert trainings[0] == trainings[2] != trainings[1] == trainings[3]
    assert {(one["train_images"], one["validation_fraction"]) for one in trainings} == {(60000, 0.3)}
    assert [augmentation for *_, augmentation in cells] == ["both", "light", "both", "light"]
    without = study.only([run for run in study.specs if run[0] != "baseline_42000"])
    assert not {"factorial", "effects"} & {one.kind for one in (*tables(without, REPORT), *figures(without, REPORT))}


def test_a_job_makes_two_files_of_each_output():
    study = STUDIES["quick"]
    assert next(one for one in tables(study, REPORT) if one.name == "claims").files == (
        "tables/claims.csv",
        "tables/claims.md",
    )
    assert figures(study, REPORT)[0].files == ("figures/fig01_samples.png", "figures/fig01_samples.svg")
