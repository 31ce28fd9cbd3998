use super::*;

fn link(variables: &[(&str, &str)]) -> Result<Linking, String> {
    let names: Vec<(String, &str)> =
        variables.iter().map(|(name, value)| (format!("PASSTHROUGH_LINK__{name}"), *value)).collect();
    let variables: Vec<(&str, &str)> = names.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    load(&variables).map(|config| config.link).map_err(|error| error.to_string())
}

#[test]
fn links_lead_to_where_the_server_listens_unless_somebody_says_otherwise() {
    let usual = link(&[]).unwrap();
    assert_eq!(usual.public_url.to_string(), "http://127.0.0.1:8080");
    assert!(!usual.is_secure() && usual.redirect_urls.is_empty() && usual.message_origins.is_empty());
    let everywhere = load(&[("PASSTHROUGH_LISTEN", "0.0.0.0:9000")]).unwrap().link;
    assert_eq!(everywhere.public_url.to_string(), "http://127.0.0.1:9000");
    let own = link(&[("PUBLIC_URL", "https://Link.example.com/")]).unwrap();
    assert_eq!(own.public_url.to_string(), "https://link.example.com");
    assert!(own.is_secure());
    let mut any = load(&[("PASSTHROUGH_LISTEN", "127.0.0.1:0")]).unwrap().link;
    any.listen_at("127.0.0.1:4711".parse().unwrap());
    assert_eq!(any.public_url.to_string(), "http://127.0.0.1:4711");
}

#[test]
fn what_would_send_tokens_in_the_clear_or_anywhere_is_refused_by_the_name_of_its_setting() {
    for (name, value, part) in [
        ("PUBLIC_URL", "http://link.example.com", "link.public_url: `http://link.example.com` must be https"),
        ("PUBLIC_URL", "https://link.example.com/path", "without a path"),
        (
            "REDIRECT_URLS",
            "https://a.example,http://b.example",
            "link.redirect_urls: `http://b.example` must be https",
        ),
        ("REDIRECT_URLS", "*", "link.redirect_urls: `*` is no such address"),
        ("MESSAGE_ORIGINS", "*", "link.message_origins"),
        ("MESSAGE_ORIGINS", "https://a.example/b", "without a path"),
        ("FRAME_ANCESTORS", "https://*.example", "link.frame_ancestors"),
        ("COLOUR", "red", "link.colour: `red` must be a colour such as #2557d6"),
        ("LOGO", "/nowhere/logo.svg", "cannot read /nowhere/logo.svg (setting `link.logo`)"),
        ("LOGO", "data:image/png;base64,bm9uZQ==", "is no SVG, PNG"),
        ("LOGO", "data:image/png,none", "must be `data:<type>;base64,<picture>`"),
    ] {
        let error = link(&[(name, value)]).unwrap_err();
        assert!(error.contains(part), "{name}={value}: {error}");
    }
    assert!(link(&[("REDIRECT_URLS", "http://127.0.0.1:3000/cb,http://localhost:3000")]).is_ok());
}

#[test]
fn a_logo_is_what_its_bytes_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logo.png");
    std::fs::write(&path, "\u{feff}<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>")
        .unwrap();
    let logo = link(&[("LOGO", path.to_str().unwrap())]).unwrap().brand.logo.unwrap();
    assert_eq!(logo.content_type, "image/svg+xml");
    std::fs::write(&path, vec![0x89; 300 * 1024]).unwrap();
    assert!(link(&[("LOGO", path.to_str().unwrap())]).unwrap_err().contains("is larger than"));
}
