//! Closed sets of words, for the description of the API.
//!
//! In the types of this crate they are texts: a program that was built before a word was added must still read the
//! answer that holds it. The description says which there are today.

use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use passthrough_core::connection::ConnectionStatus as Status;
use passthrough_core::fault;
use passthrough_core::provider::GrantKind;

use crate::error::ErrorCode;
use crate::event::EVENT_KINDS;
use crate::record::ENDINGS;

/// The values of a setting that says where a credential that a provider sends back is blotted out.
pub const REDACTIONS: [&str; 3] = ["none", "headers", "headers-and-bodies"];

/// A name in the description for a list of words.
macro_rules! words {
    ($name:ident, $about:literal, $words:expr) => {
        #[doc = $about]
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String).description(Some($about));
                text.enum_values(Some($words)).into()
            }
        }

        impl ToSchema for $name {}
    };
}

words!(
    ConnectionStatus,
    "Whether a connection can be used.",
    [Status::Connected, Status::Disconnected, Status::Archived].map(Status::as_str)
);
words!(
    NewConnectionStatus,
    "What a caller may make of a connection.",
    [Status::Archived, Status::Connected].map(Status::as_str)
);
words!(ProviderStatus, "How far a provider's file is to be relied on.", ["live", "beta", "deprecated"]);
words!(Redaction, "Where a credential that a provider sends back is blotted out.", REDACTIONS);
words!(EventKind, "A type of event.", EVENT_KINDS);
words!(DeliveryStatus, "What has come of a delivery.", ["pending", "delivered", "failed"]);
words!(TerminalMethod, "A method of Terminal's passthrough.", ["GET", "POST", "PUT", "PATCH", "DELETE"]);
words!(Throttle, "What to do where the provider has said \"not before\".", ["wait", "refuse"]);
words!(ResponseEncoding, "What `response` is.", ["json", "text", "base64"]);
words!(PageLanguage, "A language of the pages for end users.", ["en", "de"]);
words!(Door, "The way by which a call came in.", fault::Door::ALL.iter().map(|door| door.as_str()));
words!(Origin, "Who is at fault.", fault::Origin::ALL.iter().map(|origin| origin.as_str()));
words!(Sent, "Whether anything reached the provider.", fault::Sent::ALL.iter().map(|sent| sent.as_str()));
words!(
    Ending,
    "Why there was no whole answer: an error code, or how an answer ended that had begun.",
    ErrorCode::ALL.iter().map(|code| code.as_str()).chain(ENDINGS)
);
words!(
    Grant,
    "How a usable secret is obtained.",
    [
        GrantKind::Static,
        GrantKind::Oauth2Code,
        GrantKind::Oauth2ClientCredentials,
        GrantKind::Oauth2Password,
        GrantKind::Oauth2JwtBearer,
        GrantKind::Oauth1,
        GrantKind::AppJwtExchange,
        GrantKind::Login,
        GrantKind::McpOauth,
    ]
    .map(GrantKind::as_str)
);

/// The value of a credential's field or of a variable: a text, or a number whose text is kept.
#[derive(Debug, Clone, Copy)]
pub struct Secret;

impl PartialSchema for Secret {
    fn schema() -> RefOr<Schema> {
        let kinds = SchemaType::from_iter([Type::String, Type::Number, Type::Null]);
        ObjectBuilder::new().schema_type(kinds).into()
    }
}

impl ToSchema for Secret {}

/// A value of a query, a header or a form: one, or several, which repeat the name.
#[derive(Debug, Clone, Copy)]
pub struct OneOrMany;

impl PartialSchema for OneOrMany {
    fn schema() -> RefOr<Schema> {
        let scalar = |more: &[Type]| {
            let plain = [Type::String, Type::Number, Type::Boolean];
            let kinds = SchemaType::from_iter(plain.into_iter().chain(more.iter().cloned()));
            ObjectBuilder::new().schema_type(kinds)
        };
        let one_of =
            OneOfBuilder::new().item(scalar(&[Type::Null])).item(ArrayBuilder::new().items(scalar(&[])));
        one_of.description(Some("One value; or several, which repeat the name. `null` is none.")).into()
    }
}

impl ToSchema for OneOrMany {}

/// A form: an object, or pairs where order or repetition matters.
#[derive(Debug, Clone, Copy)]
pub struct FormBody;

impl PartialSchema for FormBody {
    fn schema() -> RefOr<Schema> {
        let scalar = || {
            let kinds = SchemaType::from_iter([Type::String, Type::Number, Type::Boolean]);
            ObjectBuilder::new().schema_type(kinds)
        };
        let object = ObjectBuilder::new().additional_properties(Some(Ref::from_schema_name("OneOrMany")));
        let pair = ArrayBuilder::new().items(scalar()).min_items(Some(2)).max_items(Some(2));
        let one_of = OneOfBuilder::new().item(object).item(ArrayBuilder::new().items(pair));
        one_of
            .description(Some("An object; or pairs of name and value, where order or repetition matters."))
            .into()
    }
}

impl ToSchema for FormBody {}
