//! The configuration as TOML, every setting with what it means.

use crate::config::Config;
use serde_json::Value as Schema;
use std::fmt::Write;
use toml::{Table, Value};

/// Columns of a comment.
const WIDTH: usize = 100;

/// Every setting of `table` in the order of TOML: values first, then sections. What the type says of a setting stands above
/// it; a setting that is not set is there as a comment.
pub(crate) fn document(table: &Table) -> String {
    let root = schemars::schema_for!(Config).to_value();
    let mut text = String::new();
    section(&mut text, &root, "", table, &root);
    text.trim_start().to_owned()
}

fn section(text: &mut String, root: &Schema, path: &str, table: &Table, schema: &Schema) {
    let described =
        |key: &str| property(root, schema, key).map(|p| description(root, &p)).unwrap_or_default();
    for (key, value) in table.iter().filter(|(_, value)| !value.is_table()) {
        comment(text, &described(key));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{key} = {value}");
    }
    // Of the whole, what is not there was not asked for.
    for key in unset(root, schema, table).into_iter().filter(|_| !path.is_empty()) {
        comment(text, &described(&key));
        let _ = writeln!(text, "# {key} =");
    }
    for (key, value) in table {
        let Value::Table(inner) = value else { continue };
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        text.push('\n');
        comment(text, &described(key));
        let _ = writeln!(text, "[{path}]");
        let schema = property(root, schema, key).unwrap_or(Schema::Null);
        section(text, root, &path, inner, &schema);
    }
}

/// Settings that the type has and the table has not.
fn unset(root: &Schema, schema: &Schema, table: &Table) -> Vec<String> {
    let properties = resolve(root, schema)["properties"].clone();
    let names = properties.as_object().into_iter().flat_map(|o| o.keys().cloned().collect::<Vec<_>>());
    names.filter(|name| !table.contains_key(name)).collect()
}

fn property(root: &Schema, schema: &Schema, key: &str) -> Option<Schema> {
    resolve(root, schema)["properties"].get(key).cloned()
}

/// What a field says of itself, else what its type says.
fn description(root: &Schema, schema: &Schema) -> String {
    let own = schema["description"].as_str();
    own.or_else(|| resolve(root, schema)["description"].as_str()).unwrap_or_default().to_owned()
}

/// The type behind a reference.
fn resolve<'a>(root: &'a Schema, schema: &'a Schema) -> &'a Schema {
    let name = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/"));
    name.map_or(schema, |name| &root["$defs"][name])
}

fn comment(text: &mut String, description: &str) {
    for paragraph in description.split("\n\n") {
        let mut line = String::from("#");
        for word in paragraph.split_whitespace() {
            if line.len() > 1 && line.chars().count() + 1 + word.chars().count() > WIDTH {
                let _ = writeln!(text, "{line}");
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        if line.len() > 1 {
            let _ = writeln!(text, "{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paths of settings without a description.
    fn undocumented(root: &Schema, path: &str, schema: &Schema, found: &mut Vec<String>) {
        let Some(properties) = resolve(root, schema)["properties"].as_object() else { return };
        for (key, property) in properties {
            let path = format!("{path}.{key}");
            if description(root, property).is_empty() {
                found.push(path.clone());
            }
            undocumented(root, &path, property, found);
        }
    }

    #[test]
    fn every_setting_says_what_it_is() {
        let root = schemars::schema_for!(Config).to_value();
        let mut found = Vec::new();
        undocumented(&root, "", &root, &mut found);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn comments_are_wrapped_and_stand_above_their_setting() {
        let table = Table::try_from(Config::default()).unwrap();
        let text = document(&table);
        assert!(text.lines().filter(|l| l.starts_with('#')).all(|l| l.chars().count() <= WIDTH), "{text}");
        assert!(text.contains("# Port; 0 picks a free one.\nport = 4420\n"), "{text}");
        assert!(text.contains("# inner_port =\n"), "{text}");
    }
}
