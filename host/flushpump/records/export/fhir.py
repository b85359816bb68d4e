"""Records as one FHIR R4 Bundle: Procedure, MedicationAdministration per fluid, Observations, Devices, AuditEvent.

A record names no patient, so each subject is a text. Codes are text too, because there is no coding that the receiving
hospital has agreed to. Runs on a simulated pump are tagged as test data (HTEST). The same records give the same bundle,
byte for byte.
"""

import json
import uuid
from typing import Any

from flushpump.records.export.common import LEAST_ML, Export, FluidVolume, convert, fluid_volumes, simulated
from flushpump.records.store import Record

_Resource = dict[str, Any]
_FLUIDS = {
    "saline": "sodium chloride 0.9 %",
    "heparin_10": "heparin 10 U/mL in sodium chloride 0.9 %",
    "heparin_100": "heparin 100 U/mL in sodium chloride 0.9 %",
}
_UCUM = "http://unitsofmeasure.org"
_TEST_DATA = {
    "tag": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
            "code": "HTEST",
            "display": "test health data",
        }
    ]
}
_NOBODY = {"display": "not identified by this record"}
_PULSE_FIGURES = (
    ("volume delivered", "delivered_ml", "mL"), ("duration", "duration_s", "s"), ("pause", "pause_s", "s"),
    ("peak pressure", "peak_kpa", "kPa"), ("resistance", "resistance_kpa_s_per_ml", "kPa.s/mL"),
    ("compliance", "compliance_ul_per_kpa", "uL/kPa"),
)  # fmt: skip


def as_fhir(export: Export) -> str:
    """The bundle as JSON."""
    entries: dict[str, _Resource] = {}
    for record in export.records:
        for url, resource in convert(record, lambda one: _Run(one, export.altered).resources()).items():
            entries.setdefault(url, resource)
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries.items()],
    }
    return json.dumps(bundle, indent=2, allow_nan=False) + "\n"


class _Run:
    """The resources of one record, which refer to each other."""

    def __init__(self, record: Record, altered: str) -> None:
        self._record = record
        self._body = record.body
        self._altered = altered
        self._path = self._body["plan"]["path"]
        label = self._body.get("label")
        self._pump = _url(f"pump {self._body['unit']} {self._body['firmware']} {self._body['target']}")
        self._line = _url(f"line {label} {self._path['line']}" if label else f"{record.hash} line")
        self._procedure = _url(f"{record.hash} procedure")
        start, end = self._body["started_at"] or record.written_at, record.written_at
        self._period = {"start": start, "end": max(start, end)}

    def resources(self) -> dict[str, _Resource]:
        """By URL; a resource comes before those that refer to it."""
        found = {
            self._pump: self._pump_device(),
            self._line: self._line_device(),
            self._procedure: self._procedure_resource(),
        }
        for volume in fluid_volumes(self._body):
            found[self._own(volume.fluid)] = self._administration(volume)
        found[self._own("run")] = self._run_observation()
        for pulse in self._body["pulses"]:
            found[self._own(f"pulse {pulse['index']}")] = self._pulse_observation(pulse)
        for alarm in self._body["alarms"]:
            found[self._own(f"alarm {alarm['occurrence']}")] = self._alarm_observation(alarm)
        found[self._own("audit")] = self._audit()
        if simulated(self._body):
            found = {url: {**_first(resource, "meta", _TEST_DATA)} for url, resource in found.items()}
        return found

    def _own(self, what: str) -> str:
        return _url(f"{self._record.hash} {what}")

    def _pump_device(self) -> _Resource:
        body = self._body
        return {
            "resourceType": "Device",
            "identifier": [{"type": {"text": "identity of the unit"}, "value": body["unit"] or "unknown"}],
            "deviceName": [{"name": "flushpump", "type": "user-friendly-name"}],
            "type": {"text": "syringe pump for pulsatile flushing, for bench and research use only"},
            "version": [{"type": {"text": "firmware"}, "value": body["firmware"] or "unknown"}],
            "note": [{"text": f"target {body['target']}"}],
        }

    def _line_device(self) -> _Resource:
        label = self._body.get("label")
        device: _Resource = {
            "resourceType": "Device",
            "deviceName": [{"name": self._path["line"], "type": "model-name"}],
            "type": {"text": "vascular access device"},
        }
        if label:
            device["identifier"] = [{"type": {"text": "label of this line, given by its operator"}, "value": label}]
        return device

    def _procedure_resource(self) -> _Resource:
        body = self._body
        outcome = str(body["outcome"])
        return {
            "resourceType": "Procedure",
            "identifier": [{"type": {"text": "record"}, "value": self._record.record_id}],
            "status": {"completed": "completed", "unknown": "unknown"}.get(outcome, "stopped"),
            "code": {"text": body["plan"]["title"] or body["sequence"]},
            "subject": _NOBODY,
            "performedPeriod": self._period,
            "performer": [{"actor": self._operator()}],
            "outcome": {"text": _words(outcome)},
            "note": [{"text": note} for note in self._notes()],
            "focalDevice": [{"manipulated": {"reference": self._line}}],
            "usedReference": [{"reference": self._pump}],
        }

    def _notes(self) -> list[str]:
        body, path = self._body, self._path
        parts = ", ".join(str(path[part]) for part in ("line", "needle", "extension", "syringe"))
        notes = [
            f"sequence {body['sequence']}: {body['delivered_ml']:.2f} of {body['intended_ml']:.2f} mL delivered, "
            f"{body['uncertain_ml']:.2f} mL unconfirmed",
            f"path: {parts}, filled with {body['plan']['loaded_ml']:g} mL",
            f"limits of the path: working {path['working_limit_kpa']:.0f} kPa, hard {path['hard_limit_kpa']:.0f} kPa",
            f"confirmed by {body['confirmed_by']}; settings of the pump {body['settings_fingerprint']}",
            "bench and research use: the pump is no medical device",
        ]
        if body.get("problem"):
            notes.append(str(body["problem"]))
        if self._altered:
            notes.append(f"DO NOT TRUST THIS RECORD: {self._altered}")
        return notes

    def _administration(self, volume: FluidVolume) -> _Resource:
        body = self._body
        resource: _Resource = {
            "resourceType": "MedicationAdministration",
            "partOf": [{"reference": self._procedure}],
            "status": _administration_status(str(body["outcome"]), volume),
            "medicationCodeableConcept": {"text": _FLUIDS.get(volume.fluid, _words(volume.fluid))},
            "subject": _NOBODY,
            "effectivePeriod": self._period,
            "performer": [{"actor": self._operator()}],
            "device": [{"reference": self._pump}],
        }
        if volume.infused_ml >= LEAST_ML:
            resource["dosage"] = {
                "text": f"{volume.infused_ml:.2f} of {volume.planned_ml:.2f} mL, flushed into {self._path['line']}",
                "dose": _quantity(volume.infused_ml, "mL"),
            }
        return resource

    def _run_observation(self) -> _Resource:
        body = self._body
        components = [
            _figure("volume delivered, estimate", body["delivered_ml"], "mL"),
            _figure("unconfirmed volume", body["uncertain_ml"], "mL"),
            _figure("peak pressure", body["peak_kpa"], "kPa"),
        ]
        if body.get("aspirated_ml") is not None:
            components.append(_figure("volume aspirated", body["aspirated_ml"], "mL"))
        for answer in body["answers"]:
            words = f"{_words(answer['question'])}, answered by {answer['by']}"
            components.append({"code": {"text": words}, "valueBoolean": bool(answer["yes"])})
        return self._observation("patency of the line, verdict of the pump", _words(body["verdict"]), components)

    def _pulse_observation(self, pulse: dict[str, Any]) -> _Resource:
        components = [
            _figure(name, pulse[key], unit) for name, key, unit in _PULSE_FIGURES if pulse.get(key) is not None
        ]
        components.append(_figure("lowering of the flow", pulse.get("derated_percent", 0), "%"))
        return self._observation(f"pulse {pulse['index'] + 1}", _words(pulse.get("verdict", "not_judged")), components)

    def _alarm_observation(self, alarm: dict[str, Any]) -> _Resource:
        components = [
            {"code": {"text": "priority"}, "valueString": alarm["priority"]},
            {"code": {"text": "what to do"}, "valueString": alarm["remedy"]},
        ]
        return self._observation(f"alarm of the pump: {_words(alarm['name'])}", alarm["happened"], components)

    def _observation(self, code: str, value: str, components: list[_Resource]) -> _Resource:
        return {
            "resourceType": "Observation",
            "partOf": [{"reference": self._procedure}],
            "status": "final",
            "code": {"text": code},
            "subject": _NOBODY,
            "effectivePeriod": self._period,
            "valueString": value,
            "device": {"reference": self._pump},
            "component": components,
        }

    def _audit(self) -> _Resource:
        resource: _Resource = {
            "resourceType": "AuditEvent",
            "type": {
                "system": "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle",
                "code": "originate",
                "display": "Originate/Retain Record Lifecycle Event",
            },
            "action": "C",
            "recorded": self._record.written_at,
            "outcome": "4" if self._altered else "0",
            "agent": [{"who": self._operator(), "requestor": True}],
            "source": {"observer": {"reference": self._pump}},
            "entity": [
                {
                    "what": {"reference": self._procedure},
                    "name": f"record {self._record.record_id}",
                    "detail": [{"type": "SHA-256 in the chain of records", "valueString": self._record.hash}],
                }
            ],
        }
        if self._altered:
            resource["outcomeDesc"] = self._altered
        return resource

    def _operator(self) -> _Resource:
        return {"display": self._body["operator"] or "unknown"}


def _administration_status(outcome: str, volume: FluidVolume) -> str:
    if outcome in ("completed", "unknown"):
        return outcome
    if volume.infused_ml < LEAST_ML:
        return "not-done"
    return "completed" if volume.infused_ml >= volume.planned_ml - LEAST_ML else "stopped"


def _first(resource: _Resource, key: str, value: Any) -> _Resource:
    return {"resourceType": resource["resourceType"], key: value, **resource}


def _figure(name: str, value: float, unit: str) -> _Resource:
    return {"code": {"text": name}, "valueQuantity": _quantity(value, unit)}


def _quantity(value: float, unit: str) -> _Resource:
    return {"value": round(value, 6), "unit": unit, "system": _UCUM, "code": unit}


def _url(what: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"flushpump {what}").urn


def _words(name: Any) -> str:
    return str(name).replace("_", " ")
