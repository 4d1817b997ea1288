"""What tables over all runs need to know of a study."""

from fashion.study.definition import Study
from fashion.study.outputs import reading_of
from fashion.study.report import Report
from fashion.study.resources import epoch_multiply_adds


def summary(study: Study, report: Report) -> dict:
    """Returns what tables over all runs need: the models of a study with their seeds and reported numbers.

    For all planned models it has the titles, and for those without a run the settings too.
    """
    return {
        "study": study.name,
        "note": study.note,
        "reading": reading_of(study, report),
        "order": list(study.models),
        "titles": study.titles["model"],
        "augmentation_titles": study.titles["augmentation"],
        "networks": {
            name: {key: entry[key] for key in ("family", "settings")}
            for name, entry in study.planned.models.items()
            if name not in study.models
        },
        "models": {
            name: {
                "augmentations": {key: study.groups[name, key] for key in study.augmentations[name]},
                "reported": {} if study.other_data else report.reported.get(name, {}),
            }
            for name in study.models
        },
        "operations": {model: epoch_multiply_adds(spec) for (model, _, _), spec in study.planned.specs.items()},
        "accuracy_goals": report.about["accuracy_goals"],
        **({"other_data": True} if study.other_data else {}),
    }
