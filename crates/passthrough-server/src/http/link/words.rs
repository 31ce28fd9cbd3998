//! What the pages say, in every language that they speak. `{}` stands for a name that is put in.

/// One language.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// Its tag (RFC 5646).
    pub lang: &'static str,
    pub choose_title: &'static str,
    pub choose_lead: &'static str,
    pub search: &'static str,
    pub search_button: &'static str,
    pub none_found: &'static str,
    pub show_all: &'static str,
    pub found_one: &'static str,
    pub found_many: &'static str,
    pub connect_title: &'static str,
    pub again_title: &'static str,
    pub fields_lead: &'static str,
    pub fields_lead_brand: &'static str,
    pub consent_lead: &'static str,
    pub consent_lead_brand: &'static str,
    pub another_way: &'static str,
    pub optional: &'static str,
    pub example: &'static str,
    pub please_choose: &'static str,
    pub show: &'static str,
    pub hide: &'static str,
    pub connect: &'static str,
    pub connecting: &'static str,
    pub continue_to: &'static str,
    pub back: &'static str,
    pub cancel: &'static str,
    pub documentation: &'static str,
    pub error: &'static str,
    pub error_prefix: &'static str,
    pub check_fields: &'static str,
    pub missing: &'static str,
    pub not_fitting: &'static str,
    pub not_fitting_example: &'static str,
    pub not_a_choice: &'static str,
    pub not_usable: &'static str,
    pub too_long: &'static str,
    pub refused: &'static str,
    pub unreachable: &'static str,
    pub blocked: &'static str,
    pub not_set_up: &'static str,
    pub access_denied: &'static str,
    pub provider_busy: &'static str,
    pub provider_error: &'static str,
    pub no_tokens: &'static str,
    pub another_account: &'static str,
    pub account_unknown: &'static str,
    pub interrupted: &'static str,
    pub on_our_side: &'static str,
    pub going_title: &'static str,
    pub going_lead: &'static str,
    pub done_title: &'static str,
    pub done_lead: &'static str,
    pub done_close: &'static str,
    pub done_continue: &'static str,
    pub close: &'static str,
    pub cancelled_title: &'static str,
    pub cancelled_lead: &'static str,
    pub foreign_title: &'static str,
    pub foreign_lead: &'static str,
    pub elsewhere_title: &'static str,
    pub elsewhere_lead: &'static str,
    pub expired_title: &'static str,
    pub expired_lead: &'static str,
    pub used_title: &'static str,
    pub used_lead: &'static str,
    pub unknown_title: &'static str,
    pub unknown_lead: &'static str,
    pub stray_title: &'static str,
    pub stray_lead: &'static str,
    pub trouble_title: &'static str,
    pub trouble_lead: &'static str,
    pub go_back: &'static str,
    pub sealed: &'static str,
    /// Where the page did not come by TLS.
    pub stored_sealed: &'static str,
    /// What categories of the catalog are called; those that are not here are shown as they are.
    pub categories: &'static [(&'static str, &'static str)],
}

/// The languages; the first is spoken to whoever speaks none of them.
const LANGUAGES: [&Words; 2] = [&ENGLISH, &GERMAN];

impl Words {
    /// In the language of the session, or in the one that the browser likes best (RFC 9110 section 12.5.4).
    pub(super) fn of(locale: Option<&str>, accept_language: Option<&str>) -> &'static Self {
        if let Some(words) = locale.and_then(known) {
            return words;
        }
        let mut best: Option<(u32, &'static Self)> = None;
        for range in accept_language.unwrap_or_default().split(',').take(50) {
            let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
            let weight = quality(weight.trim());
            if let Some(words) = known(tag.trim())
                && weight > best.map_or(0, |(weight, _)| weight)
            {
                best = Some((weight, words));
            }
        }
        best.map_or(LANGUAGES[0], |(_, words)| words)
    }
}

impl Words {
    /// What a category of the catalog is called.
    pub(super) fn category<'a>(&self, category: &'a str) -> &'a str {
        let known = self.categories.iter().find(|(name, _)| *name == category);
        known.map_or(category, |(_, called)| called)
    }
}

/// The words of a language, where it is one of ours.
pub(super) fn known(tag: &str) -> Option<&'static Words> {
    let primary = tag.split('-').next().unwrap_or_default();
    LANGUAGES.into_iter().find(|words| words.lang.eq_ignore_ascii_case(primary))
}

/// `q=0.8` as thousandths; what is no weight counts in full.
fn quality(parameter: &str) -> u32 {
    let Some(text) = parameter.strip_prefix("q=") else { return 1_000 };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    match (whole.parse::<u32>(), digits.parse::<u32>()) {
        (Ok(whole), Ok(fraction)) => (whole.min(1) * 1_000 + fraction).min(1_000),
        _ => 0,
    }
}

/// Puts a name in.
pub(super) fn with(text: &str, name: &str) -> String {
    text.replacen("{}", name, 1)
}

/// Puts two names in.
pub(super) fn with_two(text: &str, first: &str, second: &str) -> String {
    // By hand: a name that holds `{}` itself must not swallow the other.
    let mut parts = text.splitn(3, "{}");
    let mut part = || parts.next().unwrap_or_default();
    format!("{}{first}{}{second}{}", part(), part(), part())
}

const ENGLISH: Words = Words {
    lang: "en",
    choose_title: "Connect an account",
    choose_lead: "Which system do you use?",
    search: "Search",
    search_button: "Search",
    none_found: "Nothing found for “{}”.",
    show_all: "Show all",
    found_one: "1 system",
    found_many: "{} systems",
    connect_title: "Connect {}",
    again_title: "Reconnect {}",
    fields_lead: "Enter the details of your {} account.",
    fields_lead_brand: "Enter the details of your {} account, so that {} can use it.",
    consent_lead: "You will be taken to {} to sign in and to allow access. Your password stays there.",
    consent_lead_brand: "You will be taken to {} to sign in and to allow {} access. Your password stays there.",
    another_way: "Another way to connect",
    optional: "optional",
    example: "Example:",
    please_choose: "Please choose",
    show: "Show",
    hide: "Hide",
    connect: "Connect",
    connecting: "Connecting …",
    continue_to: "Continue to {}",
    back: "Back",
    cancel: "Cancel",
    documentation: "Help from {} (opens in a new tab)",
    error: "Error:",
    error_prefix: "Error",
    check_fields: "Please check the highlighted fields.",
    missing: "Please fill this in.",
    not_fitting: "This does not look right. Please compare it with what you were given.",
    not_fitting_example: "This does not look right. It should look like {}.",
    not_a_choice: "Please choose one of the values.",
    not_usable: "This cannot be used here. Please check that it is complete and has no typing mistake.",
    too_long: "This is too long.",
    refused: "{} does not accept these details. Please check them and try again. For your safety, secret fields are \
              empty again.",
    unreachable: "{} cannot be reached at the moment. Nothing was saved. Please try again in a minute.",
    blocked: "This address may not be used. Please check it, or ask whoever sent you here.",
    not_set_up: "{} is not set up here yet. Please tell whoever sent you here.",
    access_denied: "You did not allow access at {}. Nothing was connected. You can try again.",
    provider_busy: "{} is busy at the moment. Please try again in a minute.",
    provider_error: "{} reported a problem ({}). Nothing was connected. You can try again.",
    no_tokens: "{} did not complete the sign-in. Nothing was connected. Please try again.",
    another_account: "This is another account than the one that was connected before. Please sign in with the same one.",
    account_unknown: "{} did not say which account this is, so the one that was connected before was kept. Please try again, \
                      and allow everything that is asked for.",
    interrupted: "The sign-in was begun again in another tab or took too long. Please try again.",
    on_our_side: "Something went wrong on our side. Nothing was connected. Please try again in a minute.",
    going_title: "Taking you to {}",
    going_lead: "If nothing happens, use this button.",
    done_title: "{} is connected",
    done_lead: "Everything worked.",
    done_close: "You can close this window now.",
    done_continue: "Continue",
    close: "Close window",
    cancelled_title: "Nothing was connected",
    cancelled_lead: "You cancelled. You can close this window.",
    foreign_title: "This form was not accepted",
    foreign_lead: "It is incomplete, or it was not sent from the page of this link. Nothing was connected. Please go \
                   back, load the page again and send it once more.",
    elsewhere_title: "This link was already opened",
    elsewhere_lead: "For your safety, a link works only in the browser that opened it first. If that was not you, do not \
                     worry: ask for a new link, and say that somebody else has opened this one.",
    expired_title: "This link has expired",
    expired_lead: "Links work for 30 minutes. Please ask for a new one.",
    used_title: "This link was already used",
    used_lead: "There is nothing more to do here. You can close this window.",
    unknown_title: "This link does not work",
    unknown_lead: "It may be incomplete. Please open it again as you received it, or ask for a new one.",
    stray_title: "This sign-in cannot be completed",
    stray_lead: "It was not begun in this browser, or it is already over. Nothing was connected. Please go back to \
                 where you came from and start again.",
    trouble_title: "That did not work",
    trouble_lead: "Something went wrong on our side. Please try again in a minute.",
    go_back: "Go back",
    sealed: "Your details are sent and stored encrypted.",
    stored_sealed: "Your details are stored encrypted.",
    categories: &[("ai", "AI"), ("cms", "CMS"), ("crm", "CRM"), ("erp", "ERP"), ("hr", "HR")],
};

const GERMAN: Words = Words {
    lang: "de",
    choose_title: "Konto verbinden",
    choose_lead: "Welches System nutzen Sie?",
    search: "Suche",
    search_button: "Suchen",
    none_found: "Nichts gefunden für „{}“.",
    show_all: "Alle anzeigen",
    found_one: "1 System",
    found_many: "{} Systeme",
    connect_title: "{} verbinden",
    again_title: "{} neu verbinden",
    fields_lead: "Geben Sie die Zugangsdaten Ihres Kontos bei {} ein.",
    fields_lead_brand: "Geben Sie die Zugangsdaten Ihres Kontos bei {} ein, damit {} es nutzen kann.",
    consent_lead: "Sie werden zu {} weitergeleitet, melden sich dort an und erlauben den Zugriff. Ihr Passwort bleibt \
                   dort.",
    consent_lead_brand: "Sie werden zu {} weitergeleitet, melden sich dort an und erlauben {} den Zugriff. Ihr Passwort \
                         bleibt dort.",
    another_way: "Auf andere Weise verbinden",
    optional: "freiwillig",
    example: "Beispiel:",
    please_choose: "Bitte wählen",
    show: "Anzeigen",
    hide: "Verbergen",
    connect: "Verbinden",
    connecting: "Wird verbunden …",
    continue_to: "Weiter zu {}",
    back: "Zurück",
    cancel: "Abbrechen",
    documentation: "Hilfe von {} (öffnet einen neuen Tab)",
    error: "Fehler:",
    error_prefix: "Fehler",
    check_fields: "Bitte prüfen Sie die markierten Felder.",
    missing: "Bitte füllen Sie dieses Feld aus.",
    not_fitting: "Das sieht nicht richtig aus. Bitte vergleichen Sie es mit dem, was Sie erhalten haben.",
    not_fitting_example: "Das sieht nicht richtig aus. Es sollte aussehen wie {}.",
    not_a_choice: "Bitte wählen Sie einen der Werte.",
    not_usable: "Das kann hier nicht verwendet werden. Bitte prüfen Sie, ob es vollständig und ohne Tippfehler ist.",
    too_long: "Das ist zu lang.",
    refused: "{} nimmt diese Angaben nicht an. Bitte prüfen Sie sie und versuchen Sie es noch einmal. Zu Ihrer \
              Sicherheit sind geheime Felder wieder leer.",
    unreachable: "{} ist gerade nicht erreichbar. Es wurde nichts gespeichert. Bitte versuchen Sie es in einer Minute \
                  noch einmal.",
    blocked: "Diese Adresse darf nicht verwendet werden. Bitte prüfen Sie sie, oder fragen Sie dort nach, woher Sie \
              kommen.",
    not_set_up: "{} ist hier noch nicht eingerichtet. Bitte sagen Sie dort Bescheid, woher Sie kommen.",
    access_denied: "Sie haben den Zugriff bei {} nicht erlaubt. Es wurde nichts verbunden. Sie können es noch einmal \
                    versuchen.",
    provider_busy: "{} ist gerade überlastet. Bitte versuchen Sie es in einer Minute noch einmal.",
    provider_error: "{} hat ein Problem gemeldet ({}). Es wurde nichts verbunden. Sie können es noch einmal versuchen.",
    no_tokens: "{} hat die Anmeldung nicht abgeschlossen. Es wurde nichts verbunden. Bitte versuchen Sie es noch \
                einmal.",
    another_account: "Das ist ein anderes Konto als das bisher verbundene. Bitte melden Sie sich mit demselben an.",
    account_unknown: "{} hat nicht gesagt, welches Konto das ist; das bisher verbundene wurde behalten. Bitte versuchen Sie \
                      es noch einmal und erlauben Sie alles, worum gebeten wird.",
    interrupted: "Die Anmeldung wurde in einem anderen Tab neu begonnen oder hat zu lange gedauert. Bitte versuchen Sie \
                  es noch einmal.",
    on_our_side: "Bei uns ist etwas schiefgegangen. Es wurde nichts verbunden. Bitte versuchen Sie es in einer Minute \
                  noch einmal.",
    going_title: "Sie werden zu {} weitergeleitet",
    going_lead: "Falls nichts geschieht, nutzen Sie diesen Knopf.",
    done_title: "{} ist verbunden",
    done_lead: "Alles hat geklappt.",
    done_close: "Sie können dieses Fenster jetzt schließen.",
    done_continue: "Weiter",
    close: "Fenster schließen",
    cancelled_title: "Es wurde nichts verbunden",
    cancelled_lead: "Sie haben abgebrochen. Sie können dieses Fenster schließen.",
    foreign_title: "Dieses Formular wurde nicht angenommen",
    foreign_lead: "Es ist unvollständig oder kam nicht von der Seite dieses Links. Es wurde nichts verbunden. Bitte gehen \
                   Sie zurück, laden Sie die Seite neu und senden Sie es noch einmal.",
    elsewhere_title: "Dieser Link wurde schon geöffnet",
    elsewhere_lead: "Zu Ihrer Sicherheit funktioniert ein Link nur in dem Browser, der ihn zuerst geöffnet hat. Falls \
                     Sie das nicht waren: Bitten Sie um einen neuen Link, und sagen Sie dazu, dass jemand anders diesen \
                     geöffnet hat.",
    expired_title: "Dieser Link ist abgelaufen",
    expired_lead: "Links funktionieren 30 Minuten lang. Bitte lassen Sie sich einen neuen geben.",
    used_title: "Dieser Link wurde schon verwendet",
    used_lead: "Hier gibt es nichts mehr zu tun. Sie können dieses Fenster schließen.",
    unknown_title: "Dieser Link funktioniert nicht",
    unknown_lead: "Vielleicht ist er unvollständig. Bitte öffnen Sie ihn so, wie Sie ihn erhalten haben, oder lassen \
                   Sie sich einen neuen geben.",
    stray_title: "Diese Anmeldung kann nicht abgeschlossen werden",
    stray_lead: "Sie wurde nicht in diesem Browser begonnen oder ist schon vorbei. Es wurde nichts verbunden. Bitte \
                 gehen Sie dorthin zurück, woher Sie kamen, und beginnen Sie von vorn.",
    trouble_title: "Das hat nicht geklappt",
    trouble_lead: "Bei uns ist etwas schiefgegangen. Bitte versuchen Sie es in einer Minute noch einmal.",
    go_back: "Zurück",
    sealed: "Ihre Angaben werden verschlüsselt übertragen und gespeichert.",
    stored_sealed: "Ihre Angaben werden verschlüsselt gespeichert.",
    categories: &GERMAN_CATEGORIES,
};

const GERMAN_CATEGORIES: [(&str, &str); 53] = [
    ("accounting", "Buchhaltung"),
    ("ads", "Werbung"),
    ("ai", "KI"),
    ("analytics", "Auswertung"),
    ("banking", "Banken"),
    ("calendar", "Kalender"),
    ("chat", "Chat"),
    ("cms", "CMS"),
    ("commerce", "Handel"),
    ("contacts", "Kontakte"),
    ("crm", "CRM"),
    ("custom", "Eigene Schnittstelle"),
    ("data", "Daten"),
    ("design", "Gestaltung"),
    ("developer tools", "Entwicklung"),
    ("documents", "Dokumente"),
    ("erp", "ERP"),
    ("events", "Veranstaltungen"),
    ("files", "Dateien"),
    ("finance", "Finanzen"),
    ("fitness", "Fitness"),
    ("fleet maintenance", "Flottenwartung"),
    ("forms", "Formulare"),
    ("hr", "Personal"),
    ("identity", "Anmeldung"),
    ("infrastructure", "Infrastruktur"),
    ("it service management", "IT-Service"),
    ("mail", "E-Mail"),
    ("maps", "Karten"),
    ("marketing", "Marketing"),
    ("media", "Medien"),
    ("messaging", "Nachrichten"),
    ("observability", "Überwachung"),
    ("office suite", "Büroprogramme"),
    ("payments", "Zahlungen"),
    ("payroll", "Lohnabrechnung"),
    ("project management", "Projekte"),
    ("realtime", "Echtzeit"),
    ("recruiting", "Bewerbungen"),
    ("sales", "Vertrieb"),
    ("search", "Suche"),
    ("security", "Sicherheit"),
    ("shipping", "Versand"),
    ("social", "Soziale Netze"),
    ("speech", "Sprache"),
    ("subscriptions", "Abonnements"),
    ("suite", "Programmpaket"),
    ("support", "Kundendienst"),
    ("telecom", "Telefonie"),
    ("telematics", "Telematik"),
    ("time tracking", "Zeiterfassung"),
    ("trading", "Börsenhandel"),
    ("video", "Video"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn lang(locale: Option<&str>, accept: Option<&str>) -> &'static str {
        Words::of(locale, accept).lang
    }

    #[test]
    fn the_session_decides_then_the_browser() {
        assert_eq!(lang(None, None), "en");
        assert_eq!(lang(Some("de-AT"), Some("en")), "de");
        assert_eq!(lang(None, Some("fr, de-DE;q=0.7, en;q=0.3")), "de");
        assert_eq!(lang(None, Some("de;q=0, en;q=0.1")), "en");
        assert_eq!(lang(None, Some("fr")), "en");
        assert_eq!(lang(Some("fr"), Some("de")), "de");
        assert_eq!(lang(None, Some(";;q=,,q=9;de")), "en");
    }

    #[test]
    fn categories_are_called_what_a_reader_calls_them() {
        assert_eq!((GERMAN.category("payments"), ENGLISH.category("payments")), ("Zahlungen", "payments"));
        assert_eq!((GERMAN.category("new"), ENGLISH.category("crm")), ("new", "CRM"));
    }

    #[test]
    fn names_are_put_in_once_whatever_they_hold() {
        assert_eq!(with("a {} b", "{}"), "a {} b");
        assert_eq!(with_two("{} and {}!", "{}", "x"), "{} and x!");
    }

    /// Where a language forgets a name, the page would say half of it.
    #[test]
    fn every_language_has_the_same_names_in_its_texts() {
        let count = |text: &str| text.matches("{}").count();
        let counts = |words: &Words| {
            let text = format!("{words:?}");
            let text = text.split("categories").next().unwrap_or_default();
            text.split("\", ").map(count).collect::<Vec<_>>()
        };
        assert_eq!(counts(&ENGLISH), counts(&GERMAN));
    }
}
