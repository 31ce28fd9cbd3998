//! The parts of a passthrough request whose JSON allows several forms.

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{OneOrMany, Pairs, Scalar};

/// A form: an object, or an array of `[name, value]` where order or repetition matters.
pub(super) struct Form(pub(super) Vec<(String, String)>);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The raw text, so that 12345678901234567890 and 1.10 stay what they are.
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        scalar(raw.get()).map(Scalar).ok_or_else(|| D::Error::custom("expected a string, number or boolean"))
    }
}

fn scalar(json: &str) -> Option<String> {
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str(json).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(json.to_owned()),
    }
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let wrong = || D::Error::custom("expected a string, number or boolean, or an array of them");
        if raw.get().starts_with('[') {
            let values: Vec<Scalar> = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
            Ok(OneOrMany(values.into_iter().map(|value| value.0).collect()))
        } else {
            scalar(raw.get()).map(|value| OneOrMany(vec![value])).ok_or_else(wrong)
        }
    }
}

impl Serialize for OneOrMany {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Pairs;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    // `null` is absent, here as everywhere.
                    if let Some(values) = map.next_value::<Option<OneOrMany>>()? {
                        pairs.push((name, values));
                    }
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

impl Serialize for Pairs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, values) in &self.0 {
            map.serialize_entry(name, values)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Form {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Form;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object, or an array of [name, value]")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Form, A::Error> {
                let mut pairs = Vec::new();
                while let Some((name, OneOrMany(values))) = map.next_entry::<String, OneOrMany>()? {
                    pairs.extend(values.into_iter().map(|value| (name.clone(), value)));
                }
                Ok(Form(pairs))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Form, A::Error> {
                let mut pairs = Vec::new();
                while let Some((Scalar(name), Scalar(value))) = seq.next_element()? {
                    pairs.push((name, value));
                }
                Ok(Form(pairs))
            }
        }
        deserializer.deserialize_any(Entries)
    }
}
