//! What the shapes of the API have in common and their types cannot say.

use std::collections::{BTreeMap, BTreeSet};

use passthrough_wire::page::{DEFAULT_LIMIT, MAX_LIMIT};
use passthrough_wire::words;
use serde_json::{Map, Value, json};
use utoipa::PartialSchema;
use utoipa::openapi::{RefOr, Schema};

use super::{entry, operations};

const SCHEMAS: &str = "#/components/schemas/";

/// Says how strictly bodies are read, and where there can be a `null`.
pub(super) fn mend(document: &mut Value) {
    parameters(document);
    let requests = request_bodies(document);
    let lenient = lenient_copies(document);
    let Some(schemas) = entry(entry(document, "components"), "schemas").as_object_mut() else { return };
    let copied: BTreeSet<String> = lenient.iter().map(|(copy, _)| copy.clone()).collect();
    for (copy, original) in lenient {
        let mut schema = schemas.get(&original).cloned().unwrap_or_default();
        fields_may_be_null(&mut schema);
        schemas.insert(copy, schema);
    }
    for (name, schema) in schemas.iter_mut() {
        objects(schema).flat_map(|object| object.get_mut("properties")).for_each(unwrap_single);
        if requests.contains(name) {
            fields_may_be_null(schema);
            schema["additionalProperties"] = false.into();
        } else if name == "TerminalRequest" {
            fields_may_be_null(schema);
        // Panora writes `null` where there is nothing, as its own API does.
        } else if !copied.contains(name) && !name.starts_with("Panora") {
            fields_are_left_out(schema);
        }
        // A page says what it is of by name, as everything else does.
        if let Some(of) = name.strip_prefix("Page_") {
            schema["properties"]["results"]["items"] = json!({"$ref": format!("{SCHEMAS}{of}")});
        }
    }
    schemas.sort_keys();
    let empty: BTreeSet<String> = schemas
        .iter()
        .filter(|(_, schema)| schema["required"].is_null())
        .map(|(name, _)| name.clone())
        .collect();
    // No body is an empty object, which is fine where no field must be there.
    for (_, _, operation) in operations(document) {
        if let Some(name) = body(operation) {
            operation["requestBody"]["required"] = (!empty.contains(&name)).into();
        }
    }
}

/// The names of the schemas of bodies that callers send, and of what is in them.
fn request_bodies(document: &mut Value) -> BTreeSet<String> {
    let bodies = operations(document).filter(|(path, ..)| !path.starts_with("/tsp/"));
    let mut names: BTreeSet<String> = bodies.filter_map(|(_, _, operation)| body(operation)).collect();
    names.insert("Part".to_owned());
    names
}

/// The name of the schema of an operation's body.
fn body(operation: &Value) -> Option<String> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    Some(schema["$ref"].as_str()?.strip_prefix(SCHEMAS)?.to_owned())
}

/// Terminal's dialect takes the same bodies and lets unknown fields be, as Terminal does.
fn lenient_copies(document: &mut Value) -> BTreeSet<(String, String)> {
    let mut copies = BTreeSet::new();
    for (_, _, operation) in operations(document).filter(|(path, ..)| path.starts_with("/tsp/")) {
        let Some(name) = body(operation).filter(|name| !name.starts_with("Terminal")) else { continue };
        let copy = format!("Terminal{name}");
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"] =
            format!("{SCHEMAS}{copy}").into();
        copies.insert((copy, name));
    }
    copies
}

/// The words that parameters are made of, by the names of their types.
fn words() -> BTreeMap<&'static str, Value> {
    let schema = |schema: RefOr<Schema>| serde_json::to_value(schema).unwrap_or_default();
    BTreeMap::from([
        ("ConnectionStatus", schema(words::ConnectionStatus::schema())),
        ("DeliveryStatus", schema(words::DeliveryStatus::schema())),
        ("Throttle", schema(words::Throttle::schema())),
    ])
}

/// What stands in a path, a query or a header is read where it stands: its words are written out there.
fn parameters(document: &mut Value) {
    let words = words();
    for (path, _, operation) in operations(document) {
        let usual = if operation["tags"][0] == "Panora" { MAX_LIMIT } else { DEFAULT_LIMIT };
        for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
            let place = parameter["in"].as_str().unwrap_or_default().to_owned();
            let limit = parameter["name"] == "limit";
            let schema = &mut parameter["schema"];
            if limit {
                *schema = json!({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": usual});
            }
            if let Some(inner) = schema["oneOf"].as_array().and_then(|choices| choices.first()).cloned() {
                *schema = inner;
            }
            if let Some(name) = schema["$ref"].as_str().and_then(|name| name.strip_prefix(SCHEMAS)) {
                // What is not among them is long, and stands in bodies, too.
                if let Some(words) = words.get(name) {
                    *schema = words.clone();
                }
            }
            // A text cannot be null: what is not there is not there.
            without_null(schema);
            if let Some(schema) = schema.as_object_mut() {
                schema.shift_remove("description");
            }
            let is_text =
                schema["type"] == "string" && schema.get("enum").or(schema.get("pattern")).is_none();
            match place.as_str() {
                "path" if is_text => schema["minLength"] = 1.into(),
                // Empty is not absent, but for Terminal.
                "query" if is_text && schema.get("format").is_none() => {
                    let pattern = if path.starts_with("/tsp/") { r"^[^\u0000]*$" } else { r"^[^\u0000]+$" };
                    schema["pattern"] = pattern.into();
                }
                _ => {}
            }
            wide(schema);
        }
    }
}

/// Numbers are as long as they like: what is too much is cut to what is allowed. The format would bound them.
fn wide(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut()
        && schema.contains_key("minimum")
    {
        schema.shift_remove("format");
    }
}

/// An object, or those that it is put together from.
fn objects(schema: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let is_whole = schema.get("allOf").is_none();
    let (own, parts) = if is_whole { (Some(schema), None) } else { (None, schema.get_mut("allOf")) };
    let parts = parts.and_then(Value::as_array_mut).into_iter().flatten();
    parts.chain(own).filter_map(Value::as_object_mut)
}

/// The fields of an object that need not be there.
fn optional_fields(schema: &mut Value) -> impl Iterator<Item = &mut Value> {
    objects(schema).flat_map(|object| {
        let required = object.get("required").cloned().unwrap_or_default();
        let required = required.as_array().cloned().unwrap_or_default();
        let fields = object.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten();
        fields.filter(move |(name, _)| !required.iter().any(|known| known == *name)).map(|(_, field)| field)
    })
}

/// In a request an optional field that is `null` is absent, or cleared.
fn fields_may_be_null(schema: &mut Value) {
    for field in optional_fields(schema) {
        wide(field);
        let Some(object) = field.as_object_mut() else { continue };
        if object.contains_key("$ref") {
            let mut inner = std::mem::take(object);
            let description = inner.shift_remove("description");
            object.extend(description.map(|text| ("description".to_owned(), text)));
            object.insert("oneOf".to_owned(), json!([inner, {"type": "null"}]));
        }
        match object.get_mut("type") {
            Some(Value::Array(kinds)) if !kinds.iter().any(|kind| kind == "null") => {
                kinds.push("null".into())
            }
            Some(Value::String(kind)) => {
                let kind = std::mem::take(kind);
                object.insert("type".to_owned(), json!([kind, "null"]));
            }
            _ => {}
        }
        if let Some(words) = object.get_mut("enum").and_then(Value::as_array_mut)
            && !words.contains(&Value::Null)
        {
            words.push(Value::Null);
        }
    }
}

/// In an answer a field without a value is left out, and never `null`.
fn fields_are_left_out(schema: &mut Value) {
    optional_fields(schema).for_each(without_null);
}

fn without_null(field: &mut Value) {
    let Some(object) = field.as_object_mut() else { return };
    if let Some(Value::Array(kinds)) = object.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(choices)) = object.get_mut("oneOf") else { return };
    choices.retain(|choice| choice["type"] != "null");
    if let [Value::Object(only)] = choices.as_mut_slice() {
        let only = std::mem::take(only);
        object.shift_remove("oneOf");
        for (name, value) in only {
            object.entry(name).or_insert(value);
        }
    }
}

/// What is put together from one thing is that thing. What is said of the field goes before what is said of its type.
fn unwrap_single(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(unwrap_single),
        Value::Object(object) => {
            // Beside words, utoipa says of a field what it is for in an object of its own, and calls that an object.
            if let Some(Value::Array(parts)) = object.get_mut("allOf")
                && let [Value::Object(only), rest @ ..] = parts.as_mut_slice()
                && only.contains_key("enum")
            {
                let only = std::mem::take(only);
                let described = rest.iter().find_map(|part| part.get("description")).cloned();
                object.shift_remove("allOf");
                object.extend(described.map(|text| ("description".to_owned(), text)));
                for (name, value) in only {
                    object.entry(name).or_insert(value);
                }
            }
            // And of one that may be `null`, beside the reference: there nobody looks for it.
            if !object.contains_key("description") {
                let choices = object.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten();
                let mut choices = choices.filter(|choice| choice.get("$ref").is_some());
                let described =
                    choices.find_map(|choice| choice.as_object_mut()?.shift_remove("description"));
                object.extend(described.map(|text| ("description".to_owned(), text)));
            }
            object.values_mut().for_each(unwrap_single);
        }
        _ => {}
    }
}
