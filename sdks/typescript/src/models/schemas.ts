// Generated from openapi.json by `npm run generate`. Not edited by hand.

import type { components } from "./schema.js";

type Schemas = components["schemas"];

/** The account at the provider. */
export type Account = Schemas["Account"];

/** An API key, without the key. */
export type ApiKey = Schemas["ApiKey"];

/** One way to authenticate. */
export type Auth = Schemas["Auth"];

/** How `body` is to be read. */
export type BodyEncoding = Schemas["BodyEncoding"];

/** A connection. No answer ever contains a stored credential. */
export type Connection = Schemas["Connection"];

/** A connection with its token: shown at creation and rotation, never again. */
export type ConnectionWithToken = Schemas["ConnectionWithToken"];

/** `POST /v1/api-keys`. */
export type CreateApiKey = Schemas["CreateApiKey"];

/** `POST /v1/connections`. */
export type CreateConnection = Schemas["CreateConnection"];

/** `POST /v1/integrations`. */
export type CreateIntegration = Schemas["CreateIntegration"];

/** `POST /v1/link-sessions`. */
export type CreateLinkSession = Schemas["CreateLinkSession"];

/** `POST /v1/webhook-endpoints`. */
export type CreateWebhookEndpoint = Schemas["CreateWebhookEndpoint"];

/** An API key just made, with the key: this is the only time that it is shown. */
export type CreatedApiKey = Schemas["CreatedApiKey"];

/** A link session just made, with the URL for the end user: this is the only time that it is shown. */
export type CreatedLinkSession = Schemas["CreatedLinkSession"];

/** How a connection's credential is. Nothing of it is the credential. */
export type CredentialState = Schemas["CredentialState"];

/** The answer of `DELETE /v1/connections/{id}?revoke=true`. */
export type Deleted = Schemas["Deleted"];

/** Why there was no whole answer: an error code, or how an answer ended that had begun. */
export type Ending = Schemas["Ending"];

/** The body of every error of ours. */
export type ErrorBody = Schemas["ErrorBody"];

/** What went wrong, as a name to branch on. */
export type ErrorCode = Schemas["ErrorCode"];

/** What the description of the API says of `detail`. */
export type ErrorDetail = Schemas["ErrorDetail"];

/** Something that happened. Holds nothing secret: it is what webhooks are sent. */
export type PassthroughEvent = Schemas["Event"];

/** A type of event. */
export type EventKind = Schemas["EventKind"];

/** `POST /v1/public-token/exchange`. */
export type ExchangePublicToken = Schemas["ExchangePublicToken"];

/** Why it failed; which fields there are follows from `code`. */
export type FailureReason = Schemas["FailureReason"];

/** One thing that a user gives. */
export type Field = Schemas["Field"];

/** One thing that is wrong with a request. */
export type FieldError = Schemas["FieldError"];

/** An object; or pairs of name and value, where order or repetition matters. */
export type FormBody = Schemas["FormBody"];

/** How a usable secret is obtained. */
export type Grant = Schemas["Grant"];

/** The value of a header, or its values where it came more than once. */
export type HeaderValues = Schemas["HeaderValues"];

/** A state. */
export type Health = Schemas["Health"];

/** An integration. Its secrets can be written and never read. */
export type Integration = Schemas["Integration"];

/** A link session, without its URL. */
export type LinkSession = Schemas["LinkSession"];

/** How far a link session has come. */
export type LinkStatus = Schemas["LinkStatus"];

/** The connection that was linked. */
export type LinkedConnection = Schemas["LinkedConnection"];

/** The methods of the envelope. */
export type Method = Schemas["Method"];

/** One value; or several, which repeat the name. `null` is none. */
export type OneOrMany = Schemas["OneOrMany"];

/** One page of a list. */
export type PageApiKey = Schemas["Page_ApiKey"];

/** One page of a list. */
export type PageConnection = Schemas["Page_Connection"];

/** One page of a list. */
export type PageEvent = Schemas["Page_Event"];

/** One page of a list. */
export type PageIntegration = Schemas["Page_Integration"];

/** One page of a list. */
export type PageProviderSummary = Schemas["Page_ProviderSummary"];

/** One page of a list. */
export type PageRecord = Schemas["Page_Record"];

/** One page of a list. */
export type PageWebhookDelivery = Schemas["Page_WebhookDelivery"];

/** One page of a list. */
export type PageWebhookEndpoint = Schemas["Page_WebhookEndpoint"];

/** One part of a `multipart/form-data` body. */
export type Part = Schemas["Part"];

/** A passthrough request. */
export type PassthroughRequest = Schemas["PassthroughRequest"];

/** A passthrough response: any answer of the provider, whatever its status. */
export type PassthroughResponse = Schemas["PassthroughResponse"];

/** `PATCH /v1/connections/{id}`. What is absent stays; `null` clears. */
export type PatchConnection = Schemas["PatchConnection"];

/** `PATCH /v1/integrations/{key}`. What is absent stays; `null` clears. Key and provider cannot be changed. */
export type PatchIntegration = Schemas["PatchIntegration"];

/** `PATCH /v1/webhook-endpoints/{id}`. What is absent stays. */
export type PatchWebhookEndpoint = Schemas["PatchWebhookEndpoint"];

/** A provider, whole. */
export type Provider = Schemas["Provider"];

/** What a provider said about its own limits; what it did not say is absent. */
export type ProviderLimit = Schemas["ProviderLimit"];

/** A provider in a list. */
export type ProviderSummary = Schemas["ProviderSummary"];

/** What is kept about one passthrough: no body, no query string, no header. */
export type RequestRecord = Schemas["Record"];

/** The answer of `POST /v1/connections/{id}/refresh`. */
export type Refreshed = Schemas["Refreshed"];

/** The answer of `POST /v1/events/{id}/replay`. */
export type Replayed = Schemas["Replayed"];

/** How `response` is to be presented. */
export type ResponseAs = Schemas["ResponseAs"];

/** What came of giving a grant back to its provider. */
export type Revocation = Schemas["Revocation"];

/** The answer of `POST /v1/connections/{id}/verify`. */
export type Verification = Schemas["Verification"];

/** What a verification showed. */
export type VerificationResult = Schemas["VerificationResult"];

/** The delivery of one event to one endpoint. */
export type WebhookDelivery = Schemas["WebhookDelivery"];

/** A webhook endpoint, without its secret. */
export type WebhookEndpoint = Schemas["WebhookEndpoint"];

/** A webhook endpoint with its secret: shown at creation and rotation, never again. */
export type WebhookEndpointWithSecret = Schemas["WebhookEndpointWithSecret"];
