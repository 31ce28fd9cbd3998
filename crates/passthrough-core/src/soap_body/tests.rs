use proptest::prelude::*;

use super::property::injecting_adds_one_block;
use super::*;

const V1_1: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const V1_2: &str = "http://www.w3.org/2003/05/soap-envelope";

fn token() -> UsernameToken {
    UsernameToken {
        username: Zeroizing::new("jo@ACME".to_owned()),
        password: Zeroizing::new("a<&>\"'é\r]]>".to_owned()),
        digest: false,
        lifetime_ms: None,
        nonce: [7; 16],
        created_ms: 1_769_817_600_000,
    }
}

fn injected(body: &str) -> Result<String, SoapBodyError> {
    inject(body.as_bytes(), &token()).map(|(bytes, _)| String::from_utf8(bytes).unwrap())
}

/// The result with `…` for the block.
fn around(body: &str) -> String {
    let result = injected(body).unwrap();
    let block = token().security_header(inject(body.as_bytes(), &token()).unwrap().1).unwrap();
    result.replacen(&block, "…", 1)
}

#[test]
fn the_block_is_written_as_the_profile_has_it() {
    let body = format!("<s:Envelope xmlns:s=\"{V1_1}\"><s:Body/></s:Envelope>");
    let text = injected(&body).unwrap();
    let expected = "<wsse:Security xmlns:wsse=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd\" \
        xmlns:wsu=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd\" \
        xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\" env:mustUnderstand=\"1\">\
        <wsse:UsernameToken><wsse:Username>jo@ACME</wsse:Username>\
        <wsse:Password Type=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText\">\
        a&lt;&amp;&gt;\"'&#233;&#13;]]&gt;</wsse:Password>\
        <wsse:Nonce EncodingType=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary\">\
        BwcHBwcHBwcHBwcHBwcHBw==</wsse:Nonce><wsu:Created>2026-01-31T00:00:00Z</wsu:Created>\
        </wsse:UsernameToken></wsse:Security>";
    assert_eq!(text, body.replace("<s:Body/>", &format!("<s:Header>{expected}</s:Header><s:Body/>")));
}

#[test]
fn a_digest_stands_for_the_password_and_a_timestamp_says_when_it_ends() {
    let token = UsernameToken {
        password: Zeroizing::new("secret".to_owned()),
        digest: true,
        lifetime_ms: Some(300_000),
        ..token()
    };
    let text = token.security_header(Version::V1_2).unwrap();
    // printf '\007%.0s' {1..16}; printf 2026-01-31T00:00:00Zsecret: their SHA-1 in base64, by OpenSSL.
    let digest = "#PasswordDigest\">QQlskAu21I4ExywIRZ/4nORuN/4=</wsse:Password>";
    assert!(text.contains(digest), "{text}");
    assert!(!text.contains("secret"));
    let timestamp = "<wsu:Timestamp><wsu:Created>2026-01-31T00:00:00Z</wsu:Created>\
        <wsu:Expires>2026-01-31T00:05:00Z</wsu:Expires></wsu:Timestamp><wsse:UsernameToken>";
    assert!(text.contains(timestamp), "{text}");
    assert!(text.contains("xmlns:env=\"http://www.w3.org/2003/05/soap-envelope\""));
}

#[test]
fn it_goes_to_the_front_of_the_header_and_no_other_byte_changes() {
    let cases = [
        // A header with a block, with strange white space, comments and a byte order mark around.
        format!(
            "\u{feff}<?xml version='1.0' encoding=\"UTF-8\" standalone='no'?>\r\n<!-- a - b -->\n<s:Envelope\n a='>' xmlns:s='{V1_1}' >\t\
             <s:Header >@<w:Action xmlns:w='x' s:mustUnderstand=\"1\">&#x41;&amp;</w:Action></s:Header > <s:Body><a><![CDATA[<s:Header>]]></a></s:Body>\n</s:Envelope>\n"
        ),
        // Prefixes other than usual, and none.
        format!("<Envelope xmlns=\"{V1_2}\"><Header>@</Header><Body xmlns='{V1_2}'>é</Body></Envelope>"),
        format!(
            "<x.y:Envelope xmlns:x.y='{V1_1}'><q:Header xmlns:q='{V1_1}'>@</q:Header><x.y:Body/></x.y:Envelope>"
        ),
    ];
    for case in cases {
        assert_eq!(around(&case.replacen('@', "", 1)), case.replacen('@', "…", 1));
    }
    for (given, expected) in [
        ("<s:Header/>", "<s:Header>…</s:Header>"),
        ("<s:Header a='/>' />", "<s:Header a='/>' >…</s:Header>"),
        ("", "<s:Header>…</s:Header>"),
    ] {
        let envelope = |header| format!("<s:Envelope xmlns:s='{V1_2}'>{header}<s:Body/></s:Envelope>");
        assert_eq!(around(&envelope(given)), envelope(expected));
    }
    let bare = |header| format!("<Envelope xmlns='{V1_1}'>{header}<!----><Body/></Envelope>");
    assert_eq!(around(&bare("")), bare("<Header>…</Header>"));
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let envelope = |inside: &str| format!("<s:Envelope xmlns:s='{V1_1}'>{inside}</s:Envelope>");
    let right = envelope("<s:Body/>");
    assert!(injected(&right).is_ok());
    let refused = |body: &str| injected(body).unwrap_err();
    for body in [
        format!("<!DOCTYPE a [<!ENTITY e 'x'>]>{right}"),
        format!("<?xml version='1.0'?><!DOCTYPE a SYSTEM 'http://evil/'>{right}"),
        format!("<?a b?>{right}"),
        envelope("<s:Body><?a b?></s:Body>"),
    ] {
        assert!(matches!(refused(&body), SoapBodyError::Forbidden { .. }), "{body}");
    }
    for declaration in [
        "<?xml version='1.1'?>",
        "<?xml version='1.0' encoding='utf-7'?>",
        "<?xml version='1.0' encoding='utf-8' encoding='utf-7'?>",
        "<?xml encoding='utf-8'?>",
        "<?xml version='1.0' x='1'?>",
        "<?xml?>",
    ] {
        assert_eq!(refused(&format!("{declaration}{right}")), SoapBodyError::Declaration, "{declaration}");
    }
    for body in [
        format!(" <?xml version='1.0'?>{right}"),
        format!("{right}<?xml version='1.0'?>"),
        format!("{right}{right}"),
        format!("{right}x"),
        format!("\u{a0}{right}"),
        String::new(),
        "x".to_owned(),
        "{}".to_owned(),
        "<a/>".to_owned(),
        envelope(""),
        envelope("<s:Header/>"),
        envelope("<s:Body/><s:Header/>"),
        envelope("<s:Header/><s:Header/><s:Body/>"),
        envelope("<s:Body/><s:Body/>"),
        envelope("<s:Body/><more/>"),
        envelope("<s:Header/>x<s:Body/>"),
        envelope("<![CDATA[ ]]><s:Body/>"),
        envelope("&#32;<s:Body/>"),
        format!("<s:Envelope xmlns:s='{V1_1}'><s:Body xmlns:s='{V1_2}'/></s:Envelope>"),
        "<s:Envelope xmlns:s='urn:x'><s:Body/></s:Envelope>".to_owned(),
        "<Envelope><Body/></Envelope>".to_owned(),
        format!("<s:Envelope xmlns:s='{V1_1}'/>"),
    ] {
        let error = refused(&body);
        let is = matches!(error, SoapBodyError::NotAnEnvelope { .. } | SoapBodyError::Forbidden { .. });
        assert!(is, "{body}: {error}");
    }
    for body in [
        "<s:Envelope",
        "<!-- a -- b --><a/>",
        &format!("<s:Envelope a=b xmlns:s='{V1_1}'><s:Body/></s:Envelope>"),
        &format!("<s:Envelope a='<' xmlns:s='{V1_1}'><s:Body/></s:Envelope>"),
        &format!("<s:Envelope xmlns:s='{V1_1}' a='1' a='2'><s:Body/></s:Envelope>"),
        &envelope("<s:Header></s:Body><s:Body/>"),
        &envelope("<s:Header a a='1'/><s:Body/>"),
    ] {
        assert!(matches!(refused(body), SoapBodyError::NotXml { .. }), "{body}: {}", refused(body));
    }
    assert_eq!(inject(b"<a>\xe9</a>", &token()).unwrap_err(), SoapBodyError::NotUtf8 { at: 3 });
}

#[test]
fn a_security_header_of_the_callers_own_is_refused_in_every_spelling() {
    for block in [
        "<wsse:Security xmlns:wsse='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd'/>",
        "<w:Security xmlns:w='http://docs.oasis-open.org&#x2f;wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd'></w:Security>",
        "<Security xmlns='http://schemas.xmlsoap.org/ws/2002/07/secext'/>",
        "<a/><!-- --><b><c/></b><security/>",
    ] {
        let body = format!("<s:Envelope xmlns:s='{V1_1}'><s:Header>{block}</s:Header><s:Body/></s:Envelope>");
        assert!(matches!(injected(&body).unwrap_err(), SoapBodyError::HasSecurity { .. }), "{block}");
    }
    // What is only called so, in the body or deeper, is the caller's own business.
    let body = format!(
        "<s:Envelope xmlns:s='{V1_1}'><s:Header><a><Security/></a></s:Header><s:Body><Security/></s:Body></s:Envelope>"
    );
    assert!(injected(&body).is_ok());
}

#[test]
fn what_xml_cannot_hold_is_refused_as_the_connections_fault() {
    let body = format!("<s:Envelope xmlns:s='{V1_1}'><s:Body/></s:Envelope>");
    for password in ["a\0", "\u{1b}", "\u{ffff}", "\u{7f}"] {
        let token = UsernameToken { password: Zeroizing::new(password.to_owned()), ..token() };
        assert_eq!(inject(body.as_bytes(), &token).unwrap_err(), SoapBodyError::Unwritable(Unwritable));
    }
}

#[test]
fn a_deep_or_crowded_body_costs_no_more_than_reading_it() {
    let deep = format!("<s:Envelope xmlns:s='{V1_1}'><s:Body>{}", "<a>".repeat(100_000));
    assert!(injected(&deep).is_err());
    let declarations: String = (0..1000).map(|i| format!(" xmlns:a{i}='u'")).collect();
    let crowded = format!("<s:Envelope xmlns:s='{V1_1}'{declarations}><s:Body/></s:Envelope>");
    assert!(injected(&crowded).is_err());
    let blocks = "<b/>".repeat(100_000);
    let many = format!("<s:Envelope xmlns:s='{V1_1}'><s:Header>{blocks}</s:Header><s:Body/></s:Envelope>");
    assert!(injected(&many).is_ok());
}

#[test]
fn content_types_are_xml_in_the_charset_that_was_read() {
    for yes in [
        "text/xml",
        "TEXT/XML; charset=UTF-8",
        "application/soap+xml;action=\"a\";charset=\"utf-8\"",
        "application/xml",
        "text/xml; charset=us-ascii",
    ] {
        assert!(is_xml(yes.as_bytes()), "{yes}");
    }
    for no in [
        "application/json",
        "text/plain",
        "text/xml; charset=utf-16",
        "text/xml; charset = utf-7",
        "multipart/related; type=\"text/xml\"",
        "text/xmlish",
        "",
    ] {
        assert!(!is_xml(no.as_bytes()), "{no}");
    }
}

/// Pieces of which envelopes are made, and of which attacks are.
fn envelope() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<s:Header>",
        "</s:Header>",
        "<s:Header/>",
        "<s:Body>",
        "</s:Body>",
        "<s:Body/>",
        "<Security/>",
        "<a>",
        "</a>",
        "<a b='>'/>",
        "<!-- x -->",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "&amp;",
        "&",
        " ",
        "\n",
        "x",
        "é",
        "<?x?>",
        "<!DOCTYPE a>",
        "<",
        ">",
        "'",
        "\"",
        "</s:Envelope>",
        "<s:Header xmlns:s='http://www.w3.org/2003/05/soap-envelope'>",
        "<w:Security xmlns:w='x'>",
        "</w:Security>",
    ]);
    let whole = (prop::collection::vec(piece.clone(), 0..4), prop::collection::vec(piece, 0..6)).prop_map(
        |(header, body)| {
            let (header, body) = (header.concat(), body.concat());
            format!("<s:Header>{header}</s:Header><s:Body>{body}</s:Body>")
        },
    );
    let loose = prop::collection::vec(
        prop::sample::select(vec![
            "<s:Header/>",
            "<s:Body/>",
            "<s:Header>",
            "</s:Header>",
            "<s:Body>",
            "</s:Body>",
            "<!---->",
            " ",
            "<a/>",
            "x",
        ]),
        0..6,
    )
    .prop_map(|pieces| pieces.concat());
    let start = prop::sample::select(vec!["", "\u{feff}", "<?xml version='1.0'?>", "<!-- -->", " "]);
    (start, prop_oneof![whole, loose])
        .prop_map(|(start, inside)| format!("{start}<s:Envelope xmlns:s='{V1_1}'>{inside}</s:Envelope>"))
}

proptest! {
    #[test]
    fn one_block_is_added_or_nothing(body in envelope(), username in "\\PC{0,8}", password in "[<>&'\"a\\]\\[!/ é-]{0,12}") {
        prop_assert_eq!(injecting_adds_one_block(body.as_bytes(), &username, &password), Ok(()));
    }

    #[test]
    fn any_bytes_are_refused_or_read_alike(body in prop::collection::vec(any::<u8>(), 0..32), text in "[<>/?!a-c:=' -]{0,24}") {
        prop_assert_eq!(injecting_adds_one_block(&body, "u", "p"), Ok(()));
        prop_assert_eq!(injecting_adds_one_block(text.as_bytes(), "u", "p"), Ok(()));
    }
}
