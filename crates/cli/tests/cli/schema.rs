//! Holds each output of a run with `--json` to the schema file of the package.
//!
//! A checker for exactly the keywords that the file has. It is stricter than the file: a field that the file does not
//! have is a fault here, while readers of a later version ignore such a field.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

/// The schema file.
fn file() -> &'static Value {
    static FILE: OnceLock<Value> = OnceLock::new();
    FILE.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/mutual-trust.json");
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    })
}

/// The text of the schema file.
pub(crate) fn text() -> String {
    file().to_string()
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("an unknown type: {other}"),
    }
}

fn unless(is_good: bool, fault: impl FnOnce() -> String) -> Result<(), String> {
    if is_good { Ok(()) } else { Err(fault()) }
}

/// The fields of a value that a schema knows, or why the value does not fit.
fn known(schema: &Value, value: &Value, at: &str) -> Result<BTreeSet<String>, String> {
    let mut all = BTreeSet::new();
    for (keyword, rule) in schema.as_object().unwrap() {
        let fault = || format!("{at}: {keyword} {rule}: {value}");
        match keyword.as_str() {
            "description" | "format" => {}
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                all.extend(known(&file()["$defs"][name], value, at)?);
            }
            "type" => {
                let one = std::slice::from_ref(rule);
                let mut names = rule.as_array().map_or(one, Vec::as_slice).iter();
                let is_good = names.any(|name| is_of_type(value, name.as_str().unwrap()));
                unless(is_good, fault)?;
            }
            "const" => unless(value == rule, fault)?,
            "enum" => unless(rule.as_array().unwrap().contains(value), fault)?,
            "minimum" => unless(value.is_null() || value.as_u64() >= rule.as_u64(), fault)?,
            "maximum" => unless(value.is_null() || value.as_u64() <= rule.as_u64(), fault)?,
            "required" => {
                let mut names = rule.as_array().unwrap().iter();
                let is_good = names.all(|name| value.get(name.as_str().unwrap()).is_some());
                unless(is_good, fault)?;
            }
            "properties" => {
                for (name, below) in rule.as_object().unwrap() {
                    if let Some(found) = value.get(name) {
                        all.insert(name.clone());
                        fits(below, found, &format!("{at}.{name}"))?;
                    }
                }
            }
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    fits(rule, item, &format!("{at}[]"))?;
                }
            }
            "anyOf" | "oneOf" => {
                let tried = rule.as_array().unwrap().iter();
                let tried = tried.map(|one| known(one, value, at));
                let (good, bad): (Vec<_>, Vec<_>) = tried.partition(Result::is_ok);
                let is_good = good.len() == 1 || (keyword == "anyOf" && !good.is_empty());
                let why: Vec<String> = bad.into_iter().filter_map(Result::err).collect();
                unless(is_good, || {
                    format!("{at}: {} of {keyword}: {}", good.len(), why.join("; "))
                })?;
                all.extend(good.into_iter().flatten().flatten());
            }
            other => panic!("the checker does not know the keyword {other}"),
        }
    }
    Ok(all)
}

/// Whether a value fits a schema and has no other fields.
fn fits(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let known = known(schema, value, at)?;
    let mut fields = value
        .as_object()
        .into_iter()
        .flat_map(|object| object.keys());
    match fields.find(|name| !known.contains(*name)) {
        Some(other) => Err(format!("{at}.{other} is not in the schema")),
        None => Ok(()),
    }
}

/// The name of an object's schema, which it fits.
pub(crate) fn checked(value: &Value) -> Result<String, String> {
    let name = value["schema"].as_str().unwrap_or_default();
    let short = name
        .strip_prefix("mutual-trust/")
        .and_then(|name| name.strip_suffix("/1"));
    let short = short.ok_or_else(|| format!("no schema: {value}"))?;
    let wanted = serde_json::json!({ "$ref": format!("#/$defs/{short}") });
    if !file()["oneOf"].as_array().unwrap().contains(&wanted) {
        return Err(format!("there is no schema {short}"));
    }
    fits(&file()["$defs"][short], value, short)?;
    Ok(short.to_owned())
}

/// The names of all schemas.
pub(crate) fn names() -> BTreeSet<String> {
    let kinds = file()["oneOf"].as_array().unwrap().iter();
    let names = kinds.map(|kind| kind["$ref"].as_str().unwrap().strip_prefix("#/$defs/"));
    names.map(|name| name.unwrap().to_owned()).collect()
}

/// The names of all events.
pub(crate) fn events() -> BTreeSet<String> {
    let forms = file()["$defs"]["serve-event"]["oneOf"]
        .as_array()
        .unwrap()
        .iter();
    let names = forms.map(|form| form["properties"]["event"]["const"].as_str().unwrap());
    names.map(str::to_owned).collect()
}

/// The objects of an output, one after another, with the names of their schemas.
#[track_caller]
pub(crate) fn objects(output: &str) -> Vec<(String, Value)> {
    let objects = serde_json::Deserializer::from_str(output).into_iter();
    let named = objects.map(|object| {
        let object: Value = object.unwrap_or_else(|error| panic!("{error}: {output}"));
        let name = checked(&object).unwrap_or_else(|fault| panic!("{fault}\n{object:#}"));
        (name, object)
    });
    named.collect()
}

/// Holds both outputs of a run with `--json`, and its exit code, to what is promised.
#[track_caller]
pub(crate) fn hold(line: &str, code: i32, out: &str, err: &str) {
    let errors = objects(err);
    let names: Vec<&str> = errors.iter().map(|(name, _)| name.as_str()).collect();
    let wanted: &[&str] = if code == 2 { &["error"] } else { &[] };
    assert_eq!(names, wanted, "{line}: {err}");
    let mut results = objects(out);
    results.retain(|(name, _)| !name.ends_with("-event"));
    assert!(results.len() <= 1, "{line}: {out}");
    if code != 2 {
        let (name, result) = results
            .first()
            .unwrap_or_else(|| panic!("{line}: no result"));
        assert_ne!(name, "error", "{line}");
        assert_eq!(
            code == 1,
            !result["refused"].is_null(),
            "{line}: {result:#}"
        );
    }
}

#[test]
fn what_is_not_in_the_schema_is_found() {
    use serde_json::json;

    let clock = json!({ "state": "known", "now": null, "floor": null, "text": "" });
    let good = json!({
        "schema": "mutual-trust/store-clock/1", "refused": null, "generation": 1, "clock": clock,
    });
    assert_eq!(checked(&good).as_deref(), Ok("store-clock"));
    let with = |at: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(at).unwrap() = value;
        checked(&changed)
    };
    for (at, value) in [
        ("/schema", json!("mutual-trust/store-clock/2")),
        ("/schema", json!("mutual-trust/EntryKey/1")),
        ("/schema", json!("mutual-trust/error/1")),
        ("/refused", json!(false)),
        ("/generation", json!(-1)),
        ("/generation", json!("1")),
        ("/generation", json!(null)),
        ("/clock", json!(null)),
        ("/clock/state", json!("late")),
        ("/clock/text", json!(null)),
    ] {
        assert!(with(at, value.clone()).is_err(), "{at}: {value}");
    }
    for at in ["", "/clock"] {
        let mut more = good.clone();
        more.pointer_mut(at).unwrap()["other"] = json!(1);
        assert!(
            checked(&more)
                .unwrap_err()
                .ends_with("other is not in the schema")
        );
    }
    for (at, name) in [("", "generation"), ("/clock", "now")] {
        let mut less = good.clone();
        less.pointer_mut(at)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(name);
        assert!(checked(&less).unwrap_err().contains("required"), "{name}");
    }
    // Of several forms, one must fit, with its own fields alone.
    let event = |fields: Value| {
        let mut event = json!({ "schema": "mutual-trust/serve-event/1" });
        event
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        checked(&event)
    };
    assert!(event(json!({ "event": "listening", "address": "a" })).is_ok());
    assert!(event(json!({ "event": "listening", "address": "a", "id": "1" })).is_err());
    assert!(event(json!({ "event": "listening", "id": "1" })).is_err());
    assert!(event(json!({ "event": "other" })).is_err());
}
