//! The catalog: the provider files in the program, and the operator's own beside them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use passthrough_core::provider::{Problem, Provider, file::ProviderFile};
use thiserror::Error;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../providers");

/// A provider file is a card; a larger one is a mistake.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// All providers, by code.
#[derive(Debug, Clone)]
pub struct Catalog {
    providers: BTreeMap<String, Arc<Provider>>,
}

/// Everything that is wrong, in all files at once.
#[derive(Debug, Error)]
pub struct CatalogError {
    /// File by file.
    pub files: Vec<(PathBuf, Vec<Problem>)>,
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems: usize = self.files.iter().map(|(_, problems)| problems.len()).sum();
        write!(f, "{problems} problem(s) in provider files")?;
        for (path, problems) in &self.files {
            for problem in problems {
                write!(f, "\n  {}: {problem}", path.display())?;
            }
        }
        Ok(())
    }
}

/// There is no provider of a code.
#[derive(Debug, Error)]
#[error("the catalog has no provider of this code{}", .nearest.as_ref().map_or_else(String::new, |near| format!("; did you mean `{near}`?")))]
pub struct UnknownProvider {
    /// The code that was probably meant.
    pub nearest: Option<String>,
}

impl Catalog {
    /// Loads the built-in providers, then those of a folder, which replace built-in ones of the same code.
    pub fn load(folder: Option<&Path>) -> Result<Self, CatalogError> {
        let mut texts: BTreeMap<String, (PathBuf, Result<String, Problem>)> = BTreeMap::new();
        for file in BUILT_IN.files().filter(|file| file.path().extension().is_some_and(|e| e == "toml")) {
            let text = file.contents_utf8().ok_or_else(|| Problem::new("", "is not UTF-8"));
            let path = Path::new("providers").join(file.path());
            texts.insert(code_of(file.path()), (path, text.map(str::to_owned)));
        }
        if let Some(folder) = folder {
            for (code, path) in own_files(folder)? {
                let text = read(&path);
                texts.insert(code, (path, text));
            }
        }
        let (mut providers, mut files) = (BTreeMap::new(), Vec::new());
        for (code, (path, text)) in texts {
            match text.map_err(|problem| vec![problem]).and_then(|text| Provider::parse(&code, &text)) {
                Ok(provider) => drop(providers.insert(code, Arc::new(provider))),
                Err(problems) => files.push((path, problems)),
            }
        }
        if files.is_empty() { Ok(Self { providers }) } else { Err(CatalogError { files }) }
    }

    /// The provider of a code.
    pub fn get(&self, code: &str) -> Option<&Arc<Provider>> {
        self.providers.get(code)
    }

    /// The provider of a code, or what may have been meant.
    pub fn find(&self, code: &str) -> Result<&Arc<Provider>, UnknownProvider> {
        self.get(code).ok_or_else(|| UnknownProvider { nearest: self.nearest(code).map(str::to_owned) })
    }

    /// The code that a misspelt one may have meant.
    pub fn nearest(&self, code: &str) -> Option<&str> {
        passthrough_core::suggest::nearest(code, self.providers.keys().map(AsRef::as_ref))
    }

    /// All providers, by code.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.values()
    }
}

/// Reads one provider file, more strictly than a start does; its code is its name.
pub fn check_file(path: &Path) -> Result<Provider, Vec<Problem>> {
    let text = read(path).map_err(|problem| vec![problem])?;
    let provider = Provider::parse(&code_of(path), &text)?;
    let unused = provider.unused();
    if unused.is_empty() { Ok(provider) } else { Err(unused) }
}

/// The JSON schema of provider files.
pub fn file_schema() -> serde_json::Value {
    schemars::schema_for!(ProviderFile).to_value()
}

fn own_files(folder: &Path) -> Result<Vec<(String, PathBuf)>, CatalogError> {
    let failed = |error: std::io::Error| CatalogError {
        files: vec![(folder.to_owned(), vec![Problem::new("", format!("cannot read the folder: {error}"))])],
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            found.push((code_of(&path), path));
        }
    }
    Ok(found)
}

fn read(path: &Path) -> Result<String, Problem> {
    let failed = |error: std::io::Error| Problem::new("", format!("cannot be read: {error}"));
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > MAX_FILE_BYTES {
        return Err(Problem::new("", format!("is larger than {MAX_FILE_BYTES} bytes")));
    }
    std::fs::read_to_string(path).map_err(failed)
}

fn code_of(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_file_replaces_a_built_in_one_and_all_mistakes_are_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "stripe.toml",
            "name = \"Mine\"\nbase_url = \"https://a.example\"\n[auth.none]\ngrant = \"static\"\n",
        );
        let catalog = Catalog::load(Some(folder.path())).unwrap();
        assert_eq!(catalog.get("stripe").unwrap().name, "Mine");
        write("a.toml", "name = 5\nbaseurl = \"x\"\n");
        write("b.toml", "name = ");
        let error = Catalog::load(Some(folder.path())).unwrap_err();
        assert_eq!(error.files.len(), 2);
        let problems: Vec<_> = error.files[0].1.iter().map(ToString::to_string).collect();
        assert!(
            problems.iter().any(|p| p.starts_with("baseurl: unknown field; did you mean `base_url`?")),
            "{problems:?}"
        );
        assert!(problems.iter().any(|p| p.starts_with("name: ")), "{problems:?}");
    }
}
