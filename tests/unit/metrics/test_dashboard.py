"""The example dashboard asks for what there is."""

import json
import re
from pathlib import Path

from fluxtune.metrics.catalogue import MEASURES
from fluxtune.metrics.prometheus import full_name

DASHBOARD = Path(__file__).parents[3] / "docs" / "examples" / "grafana-dashboard.json"


def test_every_panel_asks_for_a_measure_and_a_label_there_is() -> None:
    by_name = {full_name(measure): measure for measure in MEASURES.values()}
    asked = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            for name in re.findall(r"fluxtune_[a-z_]+", target["expr"]):
                measure = by_name[re.sub(r"_(bucket|total)$", "", name)]
                assert name.endswith({"counter": "_total", "histogram": "_bucket", "gauge": ""}[measure.kind])
                asked.add(measure.name)
                assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= {measure.label}
    assert asked == set(MEASURES) - {"jobs_running"}
