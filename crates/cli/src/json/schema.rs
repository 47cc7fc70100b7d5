//! The schema file of the package: made from the types, and compared with what is checked in.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::{LOOKS_AT_FILES, schemas};

/// With this variable set when the test is compiled, the file is written anew.
const REWRITE: Option<&str> = option_env!("MUTUAL_TRUST_REWRITE_SCHEMA");

const ABOUT: &str = "What the command mutual-trust prints with --json. Standard output has a result, or for serve one \
object for each event and then the result; standard error has an object of the schema error, if something failed. \
Fields are only added: a reader ignores those that it does not know. Times are RFC 3339 in UTC. Fingerprints are \
SHA-256 in hexadecimal with colons.";

/// Adds a field that some results have.
fn add(schema: &mut Map<String, Value>, name: &str, field: &Value) {
    let fields = schema.entry("properties").or_insert_with(|| json!({}));
    fields[name] = field.clone();
}

/// Adds a field that every object of a kind has.
fn require(schema: &mut Map<String, Value>, name: &str, field: &Value) {
    add(schema, name, field);
    let required = schema.entry("required").or_insert_with(|| json!([]));
    required.as_array_mut().unwrap().push(json!(name));
}

/// The schema of all that is printed.
fn document() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let named = schemas(&mut generator);
    let mut all: BTreeMap<String, Value> = generator.take_definitions(true).into_iter().collect();
    let mut kinds = Vec::new();
    for (name, can_be_refused, schema) in named {
        let mut schema = schema.as_object().unwrap().clone();
        schema.remove("$schema");
        schema.remove("title");
        let of_name = json!({ "const": format!("mutual-trust/{name}/1") });
        require(&mut schema, "schema", &of_name);
        if can_be_refused {
            let refused = json!({
                "description": "The code of the refusal, if it is one (exit code 1)",
                "type": ["string", "null"],
            });
            require(&mut schema, "refused", &refused);
        }
        if LOOKS_AT_FILES.contains(&name) {
            let exposed = json!({
                "description": "The folder and the files of the store that other users can write",
                "type": "array",
                "items": { "type": "string" },
            });
            add(&mut schema, "writable_by_others", &exposed);
        }
        let before = all.insert(name.to_owned(), Value::Object(schema));
        assert!(before.is_none(), "{name} twice");
        kinds.push(json!({ "$ref": format!("#/$defs/{name}") }));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mutual-trust --json",
        "description": ABOUT,
        "oneOf": kinds,
        "$defs": all,
    })
}

#[test]
fn the_schema_file_is_what_the_types_give() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/mutual-trust.json");
    let made = format!("{:#}\n", document());
    if REWRITE.is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    let differs = kept
        .lines()
        .zip(made.lines())
        .position(|(kept, made)| kept != made);
    assert!(
        kept == made,
        "{} is not what the types give, from line {} on; MUTUAL_TRUST_REWRITE_SCHEMA=1 writes it anew",
        path.display(),
        differs.unwrap_or_default() + 1
    );
}

/// Each name is in `json.md`, and no other one.
#[test]
fn the_page_names_every_schema() {
    let page = include_str!("../json.md");
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut on_page: Vec<&str> = rows.collect();
    on_page.sort_unstable();
    let mut generator = schemars::SchemaGenerator::default();
    let mut named: Vec<&str> = schemas(&mut generator)
        .iter()
        .map(|(name, ..)| *name)
        .collect();
    named.sort_unstable();
    assert_eq!(on_page, named);
}

/// Each `kind` that the command has of itself is in `json.md`.
#[test]
fn the_page_names_every_kind_of_error_of_the_command() {
    let page = include_str!("../json.md");
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut kinds = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(path).unwrap();
            let made = text.split(concat!("Failure::", "new(")).skip(1);
            let named =
                made.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
            kinds.extend(named.map(str::to_owned));
        }
    }
    assert!(kinds.len() > 20, "{kinds:?}");
    kinds.retain(|kind| !page.contains(&format!("`{kind}`")));
    assert!(kinds.is_empty(), "not in json.md: {kinds:?}");
}
