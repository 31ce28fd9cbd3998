//! The catalog: the provider files in the program, and the operator's own beside them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use include_dir::{Dir, include_dir};
use passthrough_core::provider::{Problem, Provider, file::ProviderFile};
use thiserror::Error;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../providers");

/// A provider file is a card; a larger one is a mistake.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// All providers, by code.
#[derive(Debug, Clone)]
pub struct Catalog {
    providers: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone)]
enum Entry {
    /// Read when it is first asked for: to read them all takes longer than the rest of a start, and an installation
    /// uses few of them. That each can be read is for the tests to say.
    BuiltIn {
        text: &'static str,
        read: OnceLock<Option<Arc<Provider>>>,
    },
    Own(Arc<Provider>),
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
    /// The built-in providers, and those of a folder, which replace built-in ones of the same code. The folder's files
    /// are read now, so that their mistakes are told at the start.
    pub fn load(folder: Option<&Path>) -> Result<Self, CatalogError> {
        let mut providers = BTreeMap::new();
        for file in BUILT_IN.files().filter(|file| file.path().extension().is_some_and(|e| e == "toml")) {
            let text = file.contents_utf8().unwrap_or_default();
            providers.insert(code_of(file.path()), Entry::BuiltIn { text, read: OnceLock::new() });
        }
        let mut files = Vec::new();
        for (code, path) in folder.map(own_files).transpose()?.unwrap_or_default() {
            let text = read(&path).map_err(|problem| vec![problem]);
            match text.and_then(|text| Provider::parse(&code, &text)) {
                Ok(provider) => drop(providers.insert(code, Entry::Own(Arc::new(provider)))),
                Err(problems) => files.push((path, problems)),
            }
        }
        files.sort_by(|(one, _), (other, _)| one.cmp(other));
        if files.is_empty() { Ok(Self { providers }) } else { Err(CatalogError { files }) }
    }

    /// The provider of a code.
    pub fn get(&self, code: &str) -> Option<&Arc<Provider>> {
        self.providers.get(code)?.provider(code)
    }

    /// The provider of a code, or what may have been meant.
    pub fn find(&self, code: &str) -> Result<&Arc<Provider>, UnknownProvider> {
        self.get(code).ok_or_else(|| UnknownProvider { nearest: self.nearest(code).map(str::to_owned) })
    }

    /// The code that a misspelt one may have meant.
    pub fn nearest(&self, code: &str) -> Option<&str> {
        passthrough_core::suggest::nearest(code, self.codes())
    }

    /// All providers, by code. Whoever needs the codes alone takes [`Self::codes`]: all files are read for this.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.iter().filter_map(|(code, entry)| entry.provider(code))
    }

    /// The codes of all providers.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.providers.keys().map(AsRef::as_ref)
    }
}

impl Entry {
    fn provider(&self, code: &str) -> Option<&Arc<Provider>> {
        match self {
            Entry::Own(provider) => Some(provider),
            Entry::BuiltIn { text, read } => read
                .get_or_init(|| {
                    let parsed = Provider::parse(code, text).inspect_err(|problems| {
                        tracing::error!(code, ?problems, "a built-in provider file is wrong")
                    });
                    parsed.ok().map(Arc::new)
                })
                .as_ref(),
        }
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

    #[test]
    fn every_built_in_file_is_read_when_it_is_asked_for() {
        let catalog = Catalog::load(None).unwrap();
        let read: Vec<&str> = catalog.iter().map(|provider| provider.code.as_str()).collect();
        assert_eq!(read, catalog.codes().collect::<Vec<_>>());
        assert!(read.len() > 200);
    }
}
