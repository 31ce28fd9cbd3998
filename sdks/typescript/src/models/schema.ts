// Generated from openapi.json by `npm run generate`. Not edited by hand.

export interface paths {
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The reference of this API as a page, from which requests can be sent. It loads nothing from elsewhere. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The page */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "text/html": string;
                    };
                };
                400: components["responses"]["BadRequest"];
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process lives. Says nothing of the database: restarting would not bring that back. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Health"];
                    };
                };
                400: components["responses"]["BadRequest"];
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What the server does, in numbers (OpenMetrics text). Needs no key: it is served to the server's own machine,
         *     or at the address of the setting metrics.listen; to others there is nothing here.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OpenMetrics text */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/openmetrics-text; version=1.0.0; charset=utf-8": string;
                    };
                };
                400: components["responses"]["BadRequest"];
                404: components["responses"]["NotFound"];
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This description. */
        get: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The `ETag` of the description that the caller has */
                    "If-None-Match"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The description, OpenAPI 3.1 */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": unknown;
                    };
                };
                /** @description The caller has it */
                304: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                400: components["responses"]["BadRequest"];
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether it should get requests: the database answers, and it is not stopping. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Health"];
                    };
                };
                400: components["responses"]["BadRequest"];
                503: components["responses"]["Unavailable"];
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The API keys of the environment, newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description 1 to 500; 50 where absent */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_ApiKey"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        put?: never;
        /** Makes an API key of the same environment. The key is shown this once. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateApiKey"];
                };
            };
            responses: {
                /** @description It was made */
                201: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["CreatedApiKey"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                413: components["responses"]["PayloadTooLarge"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revokes an API key. It stays in the list, with the time. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description `key_…`
                     * @example key_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is done, and there is nothing to say */
                204: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/connections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The connections of the environment, newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Only those of this end user */
                    externalId?: string;
                    /** @description Only those of this integration */
                    integration?: string;
                    /** @description 1 to 500; 50 where absent */
                    limit?: number;
                    /** @description Only those at this provider */
                    provider?: string;
                    /** @description Only those of this status */
                    status?: "connected" | "disconnected" | "archived";
                    /** @description Only those with this tag */
                    tag?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Connection"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        put?: never;
        /** Stores a customer's credential. The token is shown this once. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": components["schemas"]["CreateConnection"];
                };
            };
            responses: {
                /** @description It was made */
                201: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ConnectionWithToken"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                409: components["responses"]["Conflict"];
                413: components["responses"]["PayloadTooLarge"];
                422: components["responses"]["UnprocessableEntity"];
                429: components["responses"]["TooManyRequests"];
                500: components["responses"]["InternalServerError"];
                502: components["responses"]["BadGateway"];
                503: components["responses"]["Unavailable"];
                504: components["responses"]["GatewayTimeout"];
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/connections/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One connection. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description `conn_…`
                     * @example conn_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Connection"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        put?: never;
        post?: never;
        /** Deletes a connection and its credential. */
        delete: {
            parameters: {
                query?: {
                    /** @description Give the grant back to the provider first (OAuth 2.0) */
                    revoke?: boolean;
                };
                header?: never;
                path: {
                    /**
                     * @description `conn_…`
                     * @example conn_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Deleted"];
                    };
                };
                /** @description It is done, and there is nothing to say */
                204: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        options?: never;
        head?: never;
        /** Changes a connection. What is absent stays; null clears. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description `conn_…`
                     * @example conn_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": components["schemas"]["PatchConnection"];
                };
            };
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Connection"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                409: components["responses"]["Conflict"];
                413: components["responses"]["PayloadTooLarge"];
                422: components["responses"]["UnprocessableEntity"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        trace?: never;
    };
    "/v1/connections/{id}/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Renews the credential now, whether it is due or not; 422 where it does not renew itself, or has ended. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description `conn_…`
                     * @example conn_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Refreshed"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                409: components["responses"]["Conflict"];
                422: components["responses"]["UnprocessableEntity"];
                500: components["responses"]["InternalServerError"];
                502: components["responses"]["BadGateway"];
                503: components["responses"]["Unavailable"];
                504: components["responses"]["GatewayTimeout"];
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/connections/{id}/rotate-token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Gives the connection a new token, shown this once. The old one is worthless at once. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description `conn_…`
                     * @example conn_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ConnectionWithToken"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                409: components["responses"]["Conflict"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/connections/{id}/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tries the credential: alive, refused, or unreachable. A refused one is disconnected. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description `conn_…`
                     * @example conn_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Verification"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                422: components["responses"]["UnprocessableEntity"];
                500: components["responses"]["InternalServerError"];
                502: components["responses"]["BadGateway"];
                503: components["responses"]["Unavailable"];
                504: components["responses"]["GatewayTimeout"];
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/connections/current": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The connection of the presented connection token. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Connection"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        put?: never;
        post?: never;
        /** Deletes the connection of the presented connection token. */
        delete: {
            parameters: {
                query?: {
                    /** @description Give the grant back to the provider first (OAuth 2.0) */
                    revoke?: boolean;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Deleted"];
                    };
                };
                /** @description It is done, and there is nothing to say */
                204: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        options?: never;
        head?: never;
        /** Changes the connection of the presented connection token. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": components["schemas"]["PatchConnection"];
                };
            };
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Connection"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                409: components["responses"]["Conflict"];
                413: components["responses"]["PayloadTooLarge"];
                422: components["responses"]["UnprocessableEntity"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        trace?: never;
    };
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happened to connections and integrations of the environment, newest first. */
        get: {
            parameters: {
                query?: {
                    /**
                     * @description Only those of this connection, `conn_…`
                     * @example conn_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    connection?: string;
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description 1 to 500; 50 where absent */
                    limit?: number;
                    /** @description Only those of this type */
                    type?: components["schemas"]["EventKind"];
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Event"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One event. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description `evt_…`
                     * @example evt_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Event"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends an event again to every enabled webhook endpoint that wants its type, also to those made after it. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description `evt_…`
                     * @example evt_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Replayed"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/integrations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The integrations of the environment, by key. Those that providers have implicitly are not among them. */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description 1 to 500; 50 where absent */
                    limit?: number;
                    /** @description Only those of this provider */
                    provider?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Integration"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        put?: never;
        /** Sets up a provider: its OAuth client, what is asked for, and what is the same for all connections. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateIntegration"];
                };
            };
            responses: {
                /** @description It was made */
                201: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Integration"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                409: components["responses"]["Conflict"];
                413: components["responses"]["PayloadTooLarge"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/integrations/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One integration, without its secrets. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name in this environment */
                    key: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Integration"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        put?: never;
        post?: never;
        /** Deletes an integration that no connection uses. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name in this environment */
                    key: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is done, and there is nothing to say */
                204: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                409: components["responses"]["Conflict"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        options?: never;
        head?: never;
        /** Changes an integration. What is absent stays; null clears. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name in this environment */
                    key: string;
                };
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": components["schemas"]["PatchIntegration"];
                };
            };
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Integration"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                409: components["responses"]["Conflict"];
                413: components["responses"]["PayloadTooLarge"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        trace?: never;
    };
    "/v1/link-sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a link for an end user. It works for half an hour, for the browser that opens it first. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": components["schemas"]["CreateLinkSession"];
                };
            };
            responses: {
                /** @description It was made */
                201: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["CreatedLinkSession"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                413: components["responses"]["PayloadTooLarge"];
                422: components["responses"]["UnprocessableEntity"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/link-sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How far a link session has come. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description `link_…`
                     * @example link_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["LinkSession"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/passthrough": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes an authenticated request to the provider and tells its answer, whatever its status, in an
         *     envelope.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The same as `base` in the body */
                    "Passthrough-Base"?: string;
                    /** @description How often the request may be sent again: 0, 1 or 2 */
                    "Passthrough-Retries"?: number;
                    /** @description Where the provider said "not before" */
                    "Passthrough-Throttle"?: "wait" | "refuse";
                    /** @description The same as `timeoutMs` in the body */
                    "Passthrough-Timeout-Ms"?: number;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["PassthroughRequest"];
                };
            };
            responses: {
                /** @description The provider answered, with any status */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                        "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                        "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["PassthroughResponse"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                413: components["responses"]["PayloadTooLarge"];
                422: components["responses"]["UnprocessableEntity"];
                429: components["responses"]["TooManyRequests"];
                500: components["responses"]["InternalServerError"];
                502: components["responses"]["BadGateway"];
                503: components["responses"]["Unavailable"];
                504: components["responses"]["GatewayTimeout"];
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/passthrough/raw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes an authenticated request and streams the provider's bytes where it answers 2xx; any other answer
         *     comes as 200 with the envelope. Passthrough-Source says which it is.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The same as `base` in the body */
                    "Passthrough-Base"?: string;
                    /** @description How often the request may be sent again: 0, 1 or 2 */
                    "Passthrough-Retries"?: number;
                    /** @description Where the provider said "not before" */
                    "Passthrough-Throttle"?: "wait" | "refuse";
                    /** @description The same as `timeoutMs` in the body */
                    "Passthrough-Timeout-Ms"?: number;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["PassthroughRequest"];
                };
            };
            responses: {
                /** @description The provider's bytes with its status, where it answered 2xx */
                "2XX": {
                    headers: {
                        "Passthrough-RateLimit-Limit": components["headers"]["Passthrough-RateLimit-Limit"];
                        "Passthrough-RateLimit-Remaining": components["headers"]["Passthrough-RateLimit-Remaining"];
                        "Passthrough-RateLimit-Reset": components["headers"]["Passthrough-RateLimit-Reset"];
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
                /** @description The provider's bytes; or the envelope, where it answered anything else */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                        "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                        "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                        "application/json": components["schemas"]["PassthroughResponse"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                413: components["responses"]["PayloadTooLarge"];
                422: components["responses"]["UnprocessableEntity"];
                429: components["responses"]["TooManyRequests"];
                500: components["responses"]["InternalServerError"];
                502: components["responses"]["BadGateway"];
                503: components["responses"]["Unavailable"];
                504: components["responses"]["GatewayTimeout"];
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/providers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The providers, by code; all of them on one page. */
        get: {
            parameters: {
                query?: {
                    /** @description Only those of this category */
                    category?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_ProviderSummary"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/providers/{code}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One provider: what a form needs to know of it. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The provider's code */
                    code: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Provider"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/proxy/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Passes a request through as it is: method, path and query behind /v1/proxy, headers and body; and the provider's
         *     answer back, both ways streamed. Any method but CONNECT and TRACE, also those that OpenAPI has no place for.
         */
        get: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The name of one of the provider's further base URLs */
                    "Passthrough-Base"?: string;
                    /** @description How often the request may be sent again: 0, 1 or 2 */
                    "Passthrough-Retries"?: number;
                    /** @description Where the provider said "not before" */
                    "Passthrough-Throttle"?: "wait" | "refuse";
                    /** @description The deadline of the whole call */
                    "Passthrough-Timeout-Ms"?: number;
                };
                path: {
                    /** @description The provider's path, as it is, slashes included; a query goes along */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                400: components["responses"]["ProxiedOrBadRequest"];
                401: components["responses"]["ProxiedOrUnauthorized"];
                404: components["responses"]["ProxiedOrNotFound"];
                422: components["responses"]["ProxiedOrUnprocessableEntity"];
                429: components["responses"]["ProxiedOrTooManyRequests"];
                500: components["responses"]["ProxiedOrInternalServerError"];
                502: components["responses"]["ProxiedOrBadGateway"];
                503: components["responses"]["ProxiedOrUnavailable"];
                504: components["responses"]["ProxiedOrGatewayTimeout"];
                /** @description The provider's own answer, where `Passthrough-Source` is `provider` */
                default: {
                    headers: {
                        "Passthrough-RateLimit-Limit": components["headers"]["Passthrough-RateLimit-Limit"];
                        "Passthrough-RateLimit-Remaining": components["headers"]["Passthrough-RateLimit-Remaining"];
                        "Passthrough-RateLimit-Reset": components["headers"]["Passthrough-RateLimit-Reset"];
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
            };
        };
        /**
         * Passes a request through as it is: method, path and query behind /v1/proxy, headers and body; and the provider's
         *     answer back, both ways streamed. Any method but CONNECT and TRACE, also those that OpenAPI has no place for.
         */
        put: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The name of one of the provider's further base URLs */
                    "Passthrough-Base"?: string;
                    /** @description How often the request may be sent again: 0, 1 or 2 */
                    "Passthrough-Retries"?: number;
                    /** @description Where the provider said "not before" */
                    "Passthrough-Throttle"?: "wait" | "refuse";
                    /** @description The deadline of the whole call */
                    "Passthrough-Timeout-Ms"?: number;
                };
                path: {
                    /** @description The provider's path, as it is, slashes included; a query goes along */
                    path: string;
                };
                cookie?: never;
            };
            /** @description Any bytes, of any `Content-Type`: they go through as they are, streamed. */
            requestBody?: {
                content: {
                    "*/*": unknown;
                };
            };
            responses: {
                400: components["responses"]["ProxiedOrBadRequest"];
                401: components["responses"]["ProxiedOrUnauthorized"];
                404: components["responses"]["ProxiedOrNotFound"];
                413: components["responses"]["ProxiedOrPayloadTooLarge"];
                422: components["responses"]["ProxiedOrUnprocessableEntity"];
                429: components["responses"]["ProxiedOrTooManyRequests"];
                500: components["responses"]["ProxiedOrInternalServerError"];
                502: components["responses"]["ProxiedOrBadGateway"];
                503: components["responses"]["ProxiedOrUnavailable"];
                504: components["responses"]["ProxiedOrGatewayTimeout"];
                /** @description The provider's own answer, where `Passthrough-Source` is `provider` */
                default: {
                    headers: {
                        "Passthrough-RateLimit-Limit": components["headers"]["Passthrough-RateLimit-Limit"];
                        "Passthrough-RateLimit-Remaining": components["headers"]["Passthrough-RateLimit-Remaining"];
                        "Passthrough-RateLimit-Reset": components["headers"]["Passthrough-RateLimit-Reset"];
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
            };
        };
        /**
         * Passes a request through as it is: method, path and query behind /v1/proxy, headers and body; and the provider's
         *     answer back, both ways streamed. Any method but CONNECT and TRACE, also those that OpenAPI has no place for.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The name of one of the provider's further base URLs */
                    "Passthrough-Base"?: string;
                    /** @description How often the request may be sent again: 0, 1 or 2 */
                    "Passthrough-Retries"?: number;
                    /** @description Where the provider said "not before" */
                    "Passthrough-Throttle"?: "wait" | "refuse";
                    /** @description The deadline of the whole call */
                    "Passthrough-Timeout-Ms"?: number;
                };
                path: {
                    /** @description The provider's path, as it is, slashes included; a query goes along */
                    path: string;
                };
                cookie?: never;
            };
            /** @description Any bytes, of any `Content-Type`: they go through as they are, streamed. */
            requestBody?: {
                content: {
                    "*/*": unknown;
                };
            };
            responses: {
                400: components["responses"]["ProxiedOrBadRequest"];
                401: components["responses"]["ProxiedOrUnauthorized"];
                404: components["responses"]["ProxiedOrNotFound"];
                413: components["responses"]["ProxiedOrPayloadTooLarge"];
                422: components["responses"]["ProxiedOrUnprocessableEntity"];
                429: components["responses"]["ProxiedOrTooManyRequests"];
                500: components["responses"]["ProxiedOrInternalServerError"];
                502: components["responses"]["ProxiedOrBadGateway"];
                503: components["responses"]["ProxiedOrUnavailable"];
                504: components["responses"]["ProxiedOrGatewayTimeout"];
                /** @description The provider's own answer, where `Passthrough-Source` is `provider` */
                default: {
                    headers: {
                        "Passthrough-RateLimit-Limit": components["headers"]["Passthrough-RateLimit-Limit"];
                        "Passthrough-RateLimit-Remaining": components["headers"]["Passthrough-RateLimit-Remaining"];
                        "Passthrough-RateLimit-Reset": components["headers"]["Passthrough-RateLimit-Reset"];
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
            };
        };
        /**
         * Passes a request through as it is: method, path and query behind /v1/proxy, headers and body; and the provider's
         *     answer back, both ways streamed. Any method but CONNECT and TRACE, also those that OpenAPI has no place for.
         */
        delete: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The name of one of the provider's further base URLs */
                    "Passthrough-Base"?: string;
                    /** @description How often the request may be sent again: 0, 1 or 2 */
                    "Passthrough-Retries"?: number;
                    /** @description Where the provider said "not before" */
                    "Passthrough-Throttle"?: "wait" | "refuse";
                    /** @description The deadline of the whole call */
                    "Passthrough-Timeout-Ms"?: number;
                };
                path: {
                    /** @description The provider's path, as it is, slashes included; a query goes along */
                    path: string;
                };
                cookie?: never;
            };
            /** @description Any bytes, of any `Content-Type`: they go through as they are, streamed. */
            requestBody?: {
                content: {
                    "*/*": unknown;
                };
            };
            responses: {
                400: components["responses"]["ProxiedOrBadRequest"];
                401: components["responses"]["ProxiedOrUnauthorized"];
                404: components["responses"]["ProxiedOrNotFound"];
                413: components["responses"]["ProxiedOrPayloadTooLarge"];
                422: components["responses"]["ProxiedOrUnprocessableEntity"];
                429: components["responses"]["ProxiedOrTooManyRequests"];
                500: components["responses"]["ProxiedOrInternalServerError"];
                502: components["responses"]["ProxiedOrBadGateway"];
                503: components["responses"]["ProxiedOrUnavailable"];
                504: components["responses"]["ProxiedOrGatewayTimeout"];
                /** @description The provider's own answer, where `Passthrough-Source` is `provider` */
                default: {
                    headers: {
                        "Passthrough-RateLimit-Limit": components["headers"]["Passthrough-RateLimit-Limit"];
                        "Passthrough-RateLimit-Remaining": components["headers"]["Passthrough-RateLimit-Remaining"];
                        "Passthrough-RateLimit-Reset": components["headers"]["Passthrough-RateLimit-Reset"];
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
            };
        };
        /**
         * Passes a request through as it is: method, path and query behind /v1/proxy, headers and body; and the provider's
         *     answer back, both ways streamed. Any method but CONNECT and TRACE, also those that OpenAPI has no place for.
         */
        options: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The name of one of the provider's further base URLs */
                    "Passthrough-Base"?: string;
                    /** @description How often the request may be sent again: 0, 1 or 2 */
                    "Passthrough-Retries"?: number;
                    /** @description Where the provider said "not before" */
                    "Passthrough-Throttle"?: "wait" | "refuse";
                    /** @description The deadline of the whole call */
                    "Passthrough-Timeout-Ms"?: number;
                };
                path: {
                    /** @description The provider's path, as it is, slashes included; a query goes along */
                    path: string;
                };
                cookie?: never;
            };
            /** @description Any bytes, of any `Content-Type`: they go through as they are, streamed. */
            requestBody?: {
                content: {
                    "*/*": unknown;
                };
            };
            responses: {
                400: components["responses"]["ProxiedOrBadRequest"];
                401: components["responses"]["ProxiedOrUnauthorized"];
                404: components["responses"]["ProxiedOrNotFound"];
                413: components["responses"]["ProxiedOrPayloadTooLarge"];
                422: components["responses"]["ProxiedOrUnprocessableEntity"];
                429: components["responses"]["ProxiedOrTooManyRequests"];
                500: components["responses"]["ProxiedOrInternalServerError"];
                502: components["responses"]["ProxiedOrBadGateway"];
                503: components["responses"]["ProxiedOrUnavailable"];
                504: components["responses"]["ProxiedOrGatewayTimeout"];
                /** @description The provider's own answer, where `Passthrough-Source` is `provider` */
                default: {
                    headers: {
                        "Passthrough-RateLimit-Limit": components["headers"]["Passthrough-RateLimit-Limit"];
                        "Passthrough-RateLimit-Remaining": components["headers"]["Passthrough-RateLimit-Remaining"];
                        "Passthrough-RateLimit-Reset": components["headers"]["Passthrough-RateLimit-Reset"];
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
            };
        };
        /**
         * Passes a request through as it is: method, path and query behind /v1/proxy, headers and body; and the provider's
         *     answer back, both ways streamed. Any method but CONNECT and TRACE, also those that OpenAPI has no place for.
         */
        head: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The name of one of the provider's further base URLs */
                    "Passthrough-Base"?: string;
                    /** @description How often the request may be sent again: 0, 1 or 2 */
                    "Passthrough-Retries"?: number;
                    /** @description Where the provider said "not before" */
                    "Passthrough-Throttle"?: "wait" | "refuse";
                    /** @description The deadline of the whole call */
                    "Passthrough-Timeout-Ms"?: number;
                };
                path: {
                    /** @description The provider's path, as it is, slashes included; a query goes along */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                400: components["responses"]["ProxiedOrBadRequest"];
                401: components["responses"]["ProxiedOrUnauthorized"];
                404: components["responses"]["ProxiedOrNotFound"];
                422: components["responses"]["ProxiedOrUnprocessableEntity"];
                429: components["responses"]["ProxiedOrTooManyRequests"];
                500: components["responses"]["ProxiedOrInternalServerError"];
                502: components["responses"]["ProxiedOrBadGateway"];
                503: components["responses"]["ProxiedOrUnavailable"];
                504: components["responses"]["ProxiedOrGatewayTimeout"];
                /** @description The provider's own answer, where `Passthrough-Source` is `provider` */
                default: {
                    headers: {
                        "Passthrough-RateLimit-Limit": components["headers"]["Passthrough-RateLimit-Limit"];
                        "Passthrough-RateLimit-Remaining": components["headers"]["Passthrough-RateLimit-Remaining"];
                        "Passthrough-RateLimit-Reset": components["headers"]["Passthrough-RateLimit-Reset"];
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
            };
        };
        /**
         * Passes a request through as it is: method, path and query behind /v1/proxy, headers and body; and the provider's
         *     answer back, both ways streamed. Any method but CONNECT and TRACE, also those that OpenAPI has no place for.
         */
        patch: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The name of one of the provider's further base URLs */
                    "Passthrough-Base"?: string;
                    /** @description How often the request may be sent again: 0, 1 or 2 */
                    "Passthrough-Retries"?: number;
                    /** @description Where the provider said "not before" */
                    "Passthrough-Throttle"?: "wait" | "refuse";
                    /** @description The deadline of the whole call */
                    "Passthrough-Timeout-Ms"?: number;
                };
                path: {
                    /** @description The provider's path, as it is, slashes included; a query goes along */
                    path: string;
                };
                cookie?: never;
            };
            /** @description Any bytes, of any `Content-Type`: they go through as they are, streamed. */
            requestBody?: {
                content: {
                    "*/*": unknown;
                };
            };
            responses: {
                400: components["responses"]["ProxiedOrBadRequest"];
                401: components["responses"]["ProxiedOrUnauthorized"];
                404: components["responses"]["ProxiedOrNotFound"];
                413: components["responses"]["ProxiedOrPayloadTooLarge"];
                422: components["responses"]["ProxiedOrUnprocessableEntity"];
                429: components["responses"]["ProxiedOrTooManyRequests"];
                500: components["responses"]["ProxiedOrInternalServerError"];
                502: components["responses"]["ProxiedOrBadGateway"];
                503: components["responses"]["ProxiedOrUnavailable"];
                504: components["responses"]["ProxiedOrGatewayTimeout"];
                /** @description The provider's own answer, where `Passthrough-Source` is `provider` */
                default: {
                    headers: {
                        "Passthrough-RateLimit-Limit": components["headers"]["Passthrough-RateLimit-Limit"];
                        "Passthrough-RateLimit-Remaining": components["headers"]["Passthrough-RateLimit-Remaining"];
                        "Passthrough-RateLimit-Reset": components["headers"]["Passthrough-RateLimit-Reset"];
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
            };
        };
        trace?: never;
    };
    "/v1/public-token/exchange": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Exchanges what a link ended with for the connection. Once, and within ten minutes. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ExchangePublicToken"];
                };
            };
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["LinkedConnection"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                413: components["responses"]["PayloadTooLarge"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The records of the environment, newest first.
         * @description A page may have fewer entries than asked for, or none, and nevertheless a `next`: where those that fit are rare,
         *     one request does not search through all.
         */
        get: {
            parameters: {
                query?: {
                    /**
                     * @description Only those on this connection
                     * @example conn_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    connectionId?: string;
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Only those that failed with this code */
                    errorCode?: string;
                    /**
                     * @description RFC 3339, inclusive
                     * @example 2026-01-31T12:00:00Z
                     */
                    from?: string;
                    /** @description 1 to 500; 50 where absent */
                    limit?: number;
                    /** @description Only those to this provider */
                    provider?: string;
                    /**
                     * @description The provider's status: `404`, or a class: `4xx`
                     * @example 4xx
                     */
                    status?: string;
                    /**
                     * @description RFC 3339, exclusive
                     * @example 2026-02-01T00:00:00Z
                     */
                    to?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Record"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One record. It appears within a second of the call. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description `req_…`
                     * @example req_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Record"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The deliveries of the environment, those of the newest events first. */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /**
                     * @description Only those to this endpoint, `whk_…`
                     * @example whk_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    endpoint?: string;
                    /**
                     * @description Only those of this event, `evt_…`
                     * @example evt_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    event?: string;
                    /** @description 1 to 500; 50 where absent */
                    limit?: number;
                    /** @description Only those of this status */
                    status?: "pending" | "delivered" | "failed";
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_WebhookDelivery"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-deliveries/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One delivery. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description `dlv_…`
                     * @example dlv_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WebhookDelivery"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-deliveries/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends one delivery again, whatever came of it; the message keeps its id. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description `dlv_…`
                     * @example dlv_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is on its way */
                202: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WebhookDelivery"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                409: components["responses"]["Conflict"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The webhook endpoints of the environment, newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description 1 to 500; 50 where absent */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_WebhookEndpoint"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        put?: never;
        /** Makes a webhook endpoint. Its secret is shown this once. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateWebhookEndpoint"];
                };
            };
            responses: {
                /** @description It was made */
                201: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WebhookEndpointWithSecret"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                413: components["responses"]["PayloadTooLarge"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One webhook endpoint, without its secret. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description `whk_…`
                     * @example whk_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WebhookEndpoint"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        put?: never;
        post?: never;
        /** Deletes a webhook endpoint and its deliveries. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description `whk_…`
                     * @example whk_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is done, and there is nothing to say */
                204: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        options?: never;
        head?: never;
        /** Changes a webhook endpoint: where to, which types, on or off. What is absent stays. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description `whk_…`
                     * @example whk_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": components["schemas"]["PatchWebhookEndpoint"];
                };
            };
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WebhookEndpoint"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                409: components["responses"]["Conflict"];
                413: components["responses"]["PayloadTooLarge"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        trace?: never;
    };
    "/v1/webhook-endpoints/{id}/rotate-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Gives an endpoint another secret, shown this once. For a day the old one signs, too. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description `whk_…`
                     * @example whk_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was asked for */
                200: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WebhookEndpointWithSecret"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                409: components["responses"]["Conflict"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends an event of the type webhook.test to this endpoint. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description `whk_…`
                     * @example whk_01M805WQ32ZKWR68SDHP2J0YHP
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is on its way */
                202: {
                    headers: {
                        "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                        "Passthrough-Source": components["headers"]["Passthrough-Source"];
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WebhookDelivery"];
                    };
                };
                400: components["responses"]["BadRequest"];
                401: components["responses"]["Unauthorized"];
                404: components["responses"]["NotFound"];
                409: components["responses"]["Conflict"];
                500: components["responses"]["InternalServerError"];
                503: components["responses"]["Unavailable"];
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface webhooks {
    "connection.created": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A connection was made, by the API or by linking.
         * @description Sent as Standard Webhooks has it; its libraries check the signature. A 2xx within 15 seconds is a delivery; anything else is tried again for about a day. A 410 switches the endpoint off.
         */
        post: {
            parameters: {
                query?: never;
                header: {
                    /** @description The event's id; the same in every try. A message may come more than once, by this it is known again. */
                    "webhook-id": string;
                    /** @description `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, keyed with the bytes behind `whsec_` in the endpoint's secret. More of them, with a space between, for a day after a rotation: any one will do. */
                    "webhook-signature": string;
                    /** @description Unix seconds of this try. Refuse what is older than five minutes. */
                    "webhook-timestamp": number;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Event"] & {
                        /** @description What there is to say of it. */
                        data?: {
                            /** @description The connection, `conn_…`. */
                            connectionId: string;
                            /** @description The end user's id in your product, where it has one. */
                            externalId?: string;
                            /** @description The integration's key. */
                            integration: string;
                            /** @description The provider's code. */
                            provider: string;
                        };
                        /**
                         * @description What happened.
                         * @constant
                         */
                        type?: "connection.created";
                    };
                };
            };
            responses: {
                /** @description The message was taken */
                "2XX": {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description Nothing is to be sent here any more: the endpoint is switched off */
                410: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The message is sent again later; `Retry-After` of a 429 or 503 is heeded */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "connection.deleted": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A connection was deleted.
         * @description Sent as Standard Webhooks has it; its libraries check the signature. A 2xx within 15 seconds is a delivery; anything else is tried again for about a day. A 410 switches the endpoint off.
         */
        post: {
            parameters: {
                query?: never;
                header: {
                    /** @description The event's id; the same in every try. A message may come more than once, by this it is known again. */
                    "webhook-id": string;
                    /** @description `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, keyed with the bytes behind `whsec_` in the endpoint's secret. More of them, with a space between, for a day after a rotation: any one will do. */
                    "webhook-signature": string;
                    /** @description Unix seconds of this try. Refuse what is older than five minutes. */
                    "webhook-timestamp": number;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Event"] & {
                        /** @description What there is to say of it. */
                        data?: {
                            /** @description The connection, `conn_…`. */
                            connectionId: string;
                            /** @description The end user's id in your product, where it has one. */
                            externalId?: string;
                            /** @description The integration's key. */
                            integration: string;
                            /** @description The provider's code. */
                            provider: string;
                            /** @description Whether the provider took the grant back, where that was asked for. */
                            revoked?: string;
                        };
                        /**
                         * @description What happened.
                         * @constant
                         */
                        type?: "connection.deleted";
                    };
                };
            };
            responses: {
                /** @description The message was taken */
                "2XX": {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description Nothing is to be sent here any more: the endpoint is switched off */
                410: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The message is sent again later; `Retry-After` of a 429 or 503 is heeded */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "connection.disconnected": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The provider refuses a connection's credential: the user must link again.
         * @description Sent as Standard Webhooks has it; its libraries check the signature. A 2xx within 15 seconds is a delivery; anything else is tried again for about a day. A 410 switches the endpoint off.
         */
        post: {
            parameters: {
                query?: never;
                header: {
                    /** @description The event's id; the same in every try. A message may come more than once, by this it is known again. */
                    "webhook-id": string;
                    /** @description `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, keyed with the bytes behind `whsec_` in the endpoint's secret. More of them, with a space between, for a day after a rotation: any one will do. */
                    "webhook-signature": string;
                    /** @description Unix seconds of this try. Refuse what is older than five minutes. */
                    "webhook-timestamp": number;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Event"] & {
                        /** @description What there is to say of it. */
                        data?: {
                            /** @description The connection, `conn_…`. */
                            connectionId: string;
                            /** @description The end user's id in your product, where it has one. */
                            externalId?: string;
                            /** @description The integration's key. */
                            integration: string;
                            /** @description The provider's code. */
                            provider: string;
                            /** @description The provider's word for it, such as `invalid_grant`; `verify` where it refused to verify it. */
                            reason?: string;
                        };
                        /**
                         * @description What happened.
                         * @constant
                         */
                        type?: "connection.disconnected";
                    };
                };
            };
            responses: {
                /** @description The message was taken */
                "2XX": {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description Nothing is to be sent here any more: the endpoint is switched off */
                410: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The message is sent again later; `Retry-After` of a 429 or 503 is heeded */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "connection.reconnected": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A disconnected connection can be used again.
         * @description Sent as Standard Webhooks has it; its libraries check the signature. A 2xx within 15 seconds is a delivery; anything else is tried again for about a day. A 410 switches the endpoint off.
         */
        post: {
            parameters: {
                query?: never;
                header: {
                    /** @description The event's id; the same in every try. A message may come more than once, by this it is known again. */
                    "webhook-id": string;
                    /** @description `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, keyed with the bytes behind `whsec_` in the endpoint's secret. More of them, with a space between, for a day after a rotation: any one will do. */
                    "webhook-signature": string;
                    /** @description Unix seconds of this try. Refuse what is older than five minutes. */
                    "webhook-timestamp": number;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Event"] & {
                        /** @description What there is to say of it. */
                        data?: {
                            /** @description The connection, `conn_…`. */
                            connectionId: string;
                            /** @description The end user's id in your product, where it has one. */
                            externalId?: string;
                            /** @description The integration's key. */
                            integration: string;
                            /** @description The provider's code. */
                            provider: string;
                            /** @description What brought it back. */
                            reason?: string;
                        };
                        /**
                         * @description What happened.
                         * @constant
                         */
                        type?: "connection.reconnected";
                    };
                };
            };
            responses: {
                /** @description The message was taken */
                "2XX": {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description Nothing is to be sent here any more: the endpoint is switched off */
                410: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The message is sent again later; `Retry-After` of a 429 or 503 is heeded */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "connection.refreshed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A connection got a new credential from its provider.
         * @description Sent as Standard Webhooks has it; its libraries check the signature. A 2xx within 15 seconds is a delivery; anything else is tried again for about a day. A 410 switches the endpoint off.
         */
        post: {
            parameters: {
                query?: never;
                header: {
                    /** @description The event's id; the same in every try. A message may come more than once, by this it is known again. */
                    "webhook-id": string;
                    /** @description `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, keyed with the bytes behind `whsec_` in the endpoint's secret. More of them, with a space between, for a day after a rotation: any one will do. */
                    "webhook-signature": string;
                    /** @description Unix seconds of this try. Refuse what is older than five minutes. */
                    "webhook-timestamp": number;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Event"] & {
                        /** @description What there is to say of it. */
                        data?: {
                            /** @description The connection, `conn_…`. */
                            connectionId: string;
                            /** @description The integration's key. */
                            integration: string;
                        };
                        /**
                         * @description What happened.
                         * @constant
                         */
                        type?: "connection.refreshed";
                    };
                };
            };
            responses: {
                /** @description The message was taken */
                "2XX": {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description Nothing is to be sent here any more: the endpoint is switched off */
                410: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The message is sent again later; `Retry-After` of a 429 or 503 is heeded */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "integration.client_rejected": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The provider refuses the OAuth client of an integration.
         * @description Sent as Standard Webhooks has it; its libraries check the signature. A 2xx within 15 seconds is a delivery; anything else is tried again for about a day. A 410 switches the endpoint off.
         */
        post: {
            parameters: {
                query?: never;
                header: {
                    /** @description The event's id; the same in every try. A message may come more than once, by this it is known again. */
                    "webhook-id": string;
                    /** @description `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, keyed with the bytes behind `whsec_` in the endpoint's secret. More of them, with a space between, for a day after a rotation: any one will do. */
                    "webhook-signature": string;
                    /** @description Unix seconds of this try. Refuse what is older than five minutes. */
                    "webhook-timestamp": number;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Event"] & {
                        /** @description What there is to say of it. */
                        data?: {
                            /** @description The integration's key. */
                            integration: string;
                            /** @description The provider's word for it, such as `invalid_client`. */
                            reason: string;
                        };
                        /**
                         * @description What happened.
                         * @constant
                         */
                        type?: "integration.client_rejected";
                    };
                };
            };
            responses: {
                /** @description The message was taken */
                "2XX": {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description Nothing is to be sent here any more: the endpoint is switched off */
                410: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The message is sent again later; `Retry-After` of a 429 or 503 is heeded */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "webhook.test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Somebody asked for a test.
         * @description Sent as Standard Webhooks has it; its libraries check the signature. A 2xx within 15 seconds is a delivery; anything else is tried again for about a day. A 410 switches the endpoint off.
         */
        post: {
            parameters: {
                query?: never;
                header: {
                    /** @description The event's id; the same in every try. A message may come more than once, by this it is known again. */
                    "webhook-id": string;
                    /** @description `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, keyed with the bytes behind `whsec_` in the endpoint's secret. More of them, with a space between, for a day after a rotation: any one will do. */
                    "webhook-signature": string;
                    /** @description Unix seconds of this try. Refuse what is older than five minutes. */
                    "webhook-timestamp": number;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Event"] & {
                        /** @description What there is to say of it. */
                        data?: Record<string, never>;
                        /**
                         * @description What happened.
                         * @constant
                         */
                        type?: "webhook.test";
                    };
                };
            };
            responses: {
                /** @description The message was taken */
                "2XX": {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description Nothing is to be sent here any more: the endpoint is switched off */
                410: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The message is sent again later; `Retry-After` of a 429 or 503 is heeded */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface components {
    schemas: {
        /** @description The account at the provider. */
        Account: {
            /** @description Its id there. */
            id?: string;
            /** @description What a person would recognise. */
            label?: string;
        };
        /** @description An API key, without the key. */
        ApiKey: {
            /**
             * Format: date-time
             * @description RFC 3339.
             * @example 2026-01-31T12:00:00.000Z
             */
            createdAt: string;
            /** @description The environment that it opens. */
            environment: string;
            /**
             * Format: date-time
             * @description RFC 3339; never, where absent.
             * @example 2026-01-31T12:00:00.000Z
             */
            expiresAt?: string;
            /**
             * @description `key_<ULID>`.
             * @example key_01M805WQ32ZKWR68SDHP2J0YHP
             */
            id: string;
            /**
             * Format: date-time
             * @description RFC 3339, to the hour.
             * @example 2026-01-31T12:00:00.000Z
             */
            lastUsedAt?: string;
            /** @description The operator's own name for it. */
            name: string;
            /**
             * Format: date-time
             * @description RFC 3339; set once it has been revoked.
             * @example 2026-01-31T12:00:00.000Z
             */
            revokedAt?: string;
        };
        /** @description One way to authenticate. */
        Auth: {
            /** @description Whether a call is known that proves the credential. */
            canVerify: boolean;
            /** @description Where a person finds the secret. */
            description?: string;
            /** @description What the user gives. */
            fields: {
                [key: string]: components["schemas"]["Field"];
            };
            /** @description How the secret is obtained: `static`. */
            grant: components["schemas"]["Grant"];
            /** @description What a form shows. */
            label: string;
        };
        /**
         * @description How `body` is to be read.
         * @enum {string}
         */
        BodyEncoding: "text" | "base64";
        /**
         * @description A connection. No answer ever contains a stored credential.
         * @example {
         *       "id": "conn_01M805WQ32ZKWR68SDHP2J0YHP",
         *       "status": "connected",
         *       "provider": "stripe",
         *       "integration": "stripe",
         *       "auth": "api_key",
         *       "externalId": "customer-42",
         *       "tags": [
         *         "eu"
         *       ],
         *       "createdAt": "2026-01-31T12:00:00.000Z",
         *       "updatedAt": "2026-01-31T12:00:00.000Z"
         *     }
         */
        Connection: {
            /** @description The account at the provider, where `verify` could read it. */
            account?: components["schemas"]["Account"];
            /** @description The auth entry. */
            auth: string;
            /**
             * Format: date-time
             * @description RFC 3339.
             * @example 2026-01-31T12:00:00.000Z
             */
            createdAt: string;
            /** @description How its credential is; only where one connection is read or changed by itself. */
            credential?: components["schemas"]["CredentialState"];
            /** @description The end user's id in the caller's product. */
            externalId?: string;
            /**
             * @description `conn_<ULID>`.
             * @example conn_01M805WQ32ZKWR68SDHP2J0YHP
             */
            id: string;
            /** @description The integration's key. */
            integration: string;
            /** @description The operator's own name for it. */
            name?: string;
            /** @description The provider's code. */
            provider: string;
            /**
             * @description `connected`, `disconnected` or `archived`.
             * @enum {string}
             */
            status: "connected" | "disconnected" | "archived";
            /** @description Free labels. */
            tags: string[];
            /**
             * Format: date-time
             * @description RFC 3339.
             * @example 2026-01-31T12:00:00.000Z
             */
            updatedAt: string;
            /**
             * Format: date-time
             * @description RFC 3339 of the last verification that found the credential alive.
             * @example 2026-01-31T12:00:00.000Z
             */
            verifiedAt?: string;
        };
        /** @description A connection with its token: shown at creation and rotation, never again. */
        ConnectionWithToken: components["schemas"]["Connection"] & {
            /** @description `con_tkn_…`. */
            token: string;
            /** @description At creation with `verify`: what the provider said. */
            verification?: components["schemas"]["Verification"];
        };
        /**
         * @description `POST /v1/api-keys`.
         * @example {
         *       "name": "billing worker",
         *       "expiresAt": "2099-01-31T12:00:00Z"
         *     }
         */
        CreateApiKey: {
            /**
             * Format: date-time
             * @description RFC 3339; never, where absent.
             * @example 2099-01-31T12:00:00Z
             */
            expiresAt?: string | null;
            /**
             * @description The operator's own name for it.
             * @example billing worker
             */
            name: string;
        };
        /**
         * @description `POST /v1/connections`.
         * @example {
         *       "provider": "stripe",
         *       "credentials": {
         *         "api_key": "sk_test_…"
         *       },
         *       "externalId": "customer-42"
         *     }
         */
        CreateConnection: {
            /** @description The auth entry; may be left out where the credentials say which it is. */
            auth?: string | null;
            /** @description The fields of the auth entry. */
            credentials?: {
                [key: string]: string | number | null;
            } | null;
            /**
             * @description The end user's id in the caller's product.
             * @example customer-42
             */
            externalId?: string | null;
            /** @description The integration's key. This or `provider`. */
            integration?: string | null;
            /**
             * @description The operator's own name for it.
             * @example Ada's shop
             */
            name?: string | null;
            /**
             * @description The provider's code. This or `integration`.
             * @example stripe
             */
            provider?: string | null;
            /** @description Free labels. */
            tags?: string[] | null;
            /** @description The variables of the provider. */
            variables?: {
                [key: string]: string | number | null;
            } | null;
            /**
             * @description Whether to prove the credential before it is stored.
             * @default false
             */
            verify?: boolean | null;
        };
        /** @description An API key just made, with the key: this is the only time that it is shown. */
        CreatedApiKey: components["schemas"]["ApiKey"] & {
            /** @description `sk_…`. */
            key: string;
        };
        /** @description A link session just made, with the URL for the end user: this is the only time that it is shown. */
        CreatedLinkSession: {
            /**
             * Format: date-time
             * @description RFC 3339.
             * @example 2026-01-31T12:00:00.000Z
             */
            expiresAt: string;
            /**
             * @description `link_<ULID>`.
             * @example link_01M805WQ32ZKWR68SDHP2J0YHP
             */
            id: string;
            /**
             * @description The language that the pages will have, `en` or `de`; absent where the browser decides, because none of the two was
             *     asked for.
             * @enum {string}
             */
            locale?: "en" | "de";
            /**
             * Format: uri
             * @description Where the end user goes. Whoever opens it first is the one who links.
             */
            url: string;
        };
        /**
         * @description `POST /v1/integrations`.
         * @example {
         *       "provider": "hubspot",
         *       "clientId": "0f3c…",
         *       "clientSecret": "…",
         *       "scopes": [
         *         "crm.objects.contacts.read"
         *       ]
         *     }
         */
        CreateIntegration: {
            /** @description Hosts that variables of its connections may name: whole names, or domains that begin with a dot. */
            allowHosts?: string[] | null;
            /** @description Further parameters of the page where end users consent. */
            authorizeParams?: {
                [key: string]: string | null;
            } | null;
            /** @description The OAuth client's id. */
            clientId?: string | null;
            /** @description The OAuth client's secret. */
            clientSecret?: string | null;
            /**
             * @description Its name in this environment: 1 to 63 of a-z, 0-9 and `-`. The provider's code where absent.
             * @example stripe-eu
             */
            key?: string | null;
            /** @description The operator's own name for it. */
            name?: string | null;
            /** @description A private key in PEM, by which the client shows who it is (`private_key_jwt`). */
            privateKey?: string | null;
            /** @description The private key's id at the provider (`kid`). */
            privateKeyId?: string | null;
            /**
             * @description The provider's code.
             * @example stripe
             */
            provider: string;
            /** @description `none`, `headers` or `headers-and-bodies`. */
            redactReflections?: ("none" | "headers" | "headers-and-bodies") | null;
            /** @description What to ask for in place of the provider's usual scopes. */
            scopes?: string[] | null;
            /** @description Variables that are the same for all of its connections: their users are not asked and cannot change them. */
            variables?: {
                [key: string]: string | number | null;
            } | null;
        };
        /**
         * @description `POST /v1/link-sessions`.
         * @example {
         *       "integration": "hubspot",
         *       "externalId": "customer-42",
         *       "redirectUrl": "https://app.example.com/linked"
         *     }
         */
        CreateLinkSession: {
            /** @description The connection that is linked again: it keeps its id and its token. */
            connectionId?: string | null;
            /**
             * @description The end user's id in the caller's product.
             * @example customer-42
             */
            externalId?: string | null;
            /**
             * @description The integration that is linked. This, `providers`, `connectionId`, or none of them: then the end user may
             *     choose among all.
             */
            integration?: string | null;
            /**
             * @description The language of the pages, such as `en` or `de-AT`; the browser's where absent. They are there in English and
             *     German; where another is asked for, the browser decides which of the two.
             * @example de-AT
             */
            locale?: string | null;
            /** @description The operator's own name for the connection. */
            name?: string | null;
            /**
             * Format: uri
             * @description The origin of the page that opened the link and is told the result by `postMessage`. It must be allowed by the
             *     setting `link.message_origins`.
             * @example https://app.example.com
             */
            origin?: string | null;
            /** @description Codes of providers, or keys of integrations, among which the end user may choose. */
            providers?: string[] | null;
            /**
             * Format: uri
             * @description Where the end user is sent afterwards, with `token` or `error` added to its query. It must be allowed by the
             *     setting `link.redirect_urls`.
             * @example https://app.example.com/linked
             */
            redirectUrl?: string | null;
            /** @description Free labels for the connection. */
            tags?: string[] | null;
        };
        /**
         * @description `POST /v1/webhook-endpoints`.
         * @example {
         *       "url": "https://app.example.com/hooks/passthrough",
         *       "kinds": [
         *         "connection.disconnected"
         *       ]
         *     }
         */
        CreateWebhookEndpoint: {
            /** @description The kinds of events that it is told of; all where empty or absent. */
            kinds?: components["schemas"]["EventKind"][] | null;
            /**
             * Format: uri
             * @description Where events are to be sent to: `https://…`.
             * @example https://app.example.com/hooks/passthrough
             */
            url: string;
        };
        /** @description How a connection's credential is. Nothing of it is the credential. */
        CredentialState: {
            /**
             * @description Why that failed the last time, or why the connection is disconnected: the provider's word such as
             *     `invalid_grant`, or `verify` where it refused it when asked to verify it.
             */
            error?: string;
            /**
             * Format: date-time
             * @description RFC 3339; when it ends, where that is known. One that renews itself is renewed before.
             * @example 2026-01-31T12:00:00.000Z
             */
            expiresAt?: string;
            /**
             * Format: int32
             * @description How often renewing it has failed in a row; absent for never.
             */
            failures?: number;
            /**
             * Format: date-time
             * @description RFC 3339; after which it cannot be renewed any more, where that is known.
             * @example 2026-01-31T12:00:00.000Z
             */
            refreshExpiresAt?: string;
            /**
             * Format: date-time
             * @description RFC 3339; before which renewing it is not tried again, unless somebody asks for it.
             * @example 2026-01-31T12:00:00.000Z
             */
            retryAt?: string;
            /**
             * Format: date-time
             * @description RFC 3339; since when it is this one: it was given, or its provider renewed it.
             * @example 2026-01-31T12:00:00.000Z
             */
            since?: string;
        };
        /** @description The answer of `DELETE /v1/connections/{id}?revoke=true`. */
        Deleted: {
            /** @description Whether the provider has taken the grant back. The connection is deleted either way. */
            revoked: components["schemas"]["Revocation"];
        };
        /**
         * @description Why there was no whole answer: an error code, or how an answer ended that had begun.
         * @enum {string}
         */
        Ending: "bad_request" | "unauthorized" | "forbidden" | "not_found" | "method_not_allowed" | "conflict" | "payload_too_large" | "connection_disconnected" | "invalid_credentials" | "insufficient_permissions" | "unprocessable_entity" | "too_many_requests" | "internal_server_error" | "not_implemented" | "bad_gateway" | "overloaded" | "refresh_in_progress" | "circuit_open" | "unavailable" | "gateway_timeout" | "caller_gone" | "reset" | "protocol" | "tls" | "idle_timeout" | "total_timeout";
        /**
         * @description The body of every error of ours.
         * @example {
         *       "code": "bad_request",
         *       "message": "boddy: unknown field; did you mean `body`?",
         *       "detail": [
         *         {
         *           "message": "unknown field; did you mean `body`?",
         *           "path": "boddy",
         *           "suggestion": "body"
         *         }
         *       ],
         *       "requestId": "req_01M805WPJ4HBFXVGMF6D2G2PTS",
         *       "origin": "caller",
         *       "sent": "no",
         *       "retryable": false
         *     }
         */
        ErrorBody: {
            /** @description A name to branch on. */
            code: components["schemas"]["ErrorCode"];
            /**
             * @description More, by code: for `bad_request` an array of `{message, path, suggestion?}`, for `bad_gateway` and
             *     `gateway_timeout` an object with `reason`, for `connection_disconnected` one with `linkUrl`: where the end user
             *     links the account again.
             */
            detail?: components["schemas"]["ErrorDetail"];
            /** @description A sentence for a person: what is wrong and what to do. */
            message: string;
            /**
             * @description Who is at fault: `caller`, `connection`, `provider` or `passthrough`.
             * @enum {string}
             */
            origin: "caller" | "connection" | "provider" | "passthrough";
            /**
             * @description `req_<ULID>`, to be found in the records and the log.
             * @example req_01M805WQ32ZKWR68SDHP2J0YHP
             */
            requestId: string;
            /** @description Whether the same request may succeed later. */
            retryable: boolean;
            /**
             * @description Whether anything reached the provider: `no`, `unknown` or `yes`.
             * @enum {string}
             */
            sent: "no" | "unknown" | "yes";
        };
        /**
         * @description What went wrong, as a name to branch on.
         * @enum {string}
         */
        ErrorCode: "bad_request" | "unauthorized" | "forbidden" | "not_found" | "method_not_allowed" | "conflict" | "payload_too_large" | "connection_disconnected" | "invalid_credentials" | "insufficient_permissions" | "unprocessable_entity" | "too_many_requests" | "internal_server_error" | "not_implemented" | "bad_gateway" | "overloaded" | "refresh_in_progress" | "circuit_open" | "unavailable" | "gateway_timeout";
        /** @description What the description of the API says of `detail`. */
        ErrorDetail: components["schemas"]["FieldError"][] | components["schemas"]["FailureReason"];
        /**
         * @description Something that happened. Holds nothing secret: it is what webhooks are sent.
         * @example {
         *       "id": "evt_01M805WQ32ZKWR68SDHP2J0YHP",
         *       "type": "connection.disconnected",
         *       "timestamp": "2026-11-22T10:20:31.118Z",
         *       "data": {
         *         "connectionId": "conn_01M805WQ32ZKWR68SDHP2J0YHP",
         *         "integration": "hubspot",
         *         "provider": "hubspot",
         *         "externalId": "customer-42",
         *         "reason": "invalid_grant"
         *       }
         *     }
         */
        Event: {
            /** @description What there is to say of it; `connectionId` and `integration` where it is about one. */
            data: {
                [key: string]: unknown;
            };
            /**
             * @description `evt_<ULID>`.
             * @example evt_01M805WQ32ZKWR68SDHP2J0YHP
             */
            id: string;
            /**
             * Format: date-time
             * @description RFC 3339; when it happened.
             * @example 2026-01-31T12:00:00.000Z
             */
            timestamp: string;
            /** @description What happened: `connection.disconnected`. */
            type: components["schemas"]["EventKind"];
        };
        /**
         * @description A type of event.
         * @enum {string}
         */
        EventKind: "connection.created" | "connection.refreshed" | "connection.disconnected" | "connection.reconnected" | "connection.deleted" | "integration.client_rejected" | "webhook.test";
        /**
         * @description `POST /v1/public-token/exchange`.
         * @example {
         *       "publicToken": "pub_tkn_…"
         *     }
         */
        ExchangePublicToken: {
            /** @description `pub_tkn_…`, as the link ended with. */
            publicToken: string;
        };
        /** @description Why it failed; which fields there are follows from `code`. */
        FailureReason: {
            /** @description With the reason `client_rejected`: the integration whose OAuth client the provider refuses. */
            integration?: string;
            /**
             * Format: uri
             * @description With `connection_disconnected`: where the end user links the account again.
             */
            linkUrl?: string;
            /**
             * @description With `bad_gateway`: `dns`, `connect`, `tls`, `blocked_address`, `protocol`, `reset`, `decode`, `too_large`, `refresh`
             *     or `client_rejected`. With `gateway_timeout`: `connect_timeout`, `first_byte_timeout`, `idle_timeout` or
             *     `total_timeout`.
             * @example connect
             */
            reason?: string;
            /**
             * Format: int32
             * @description With `too_many_requests`: seconds until it may succeed; the same as `Retry-After`.
             */
            retryAfter?: number;
            /**
             * @description With `too_many_requests`: whose limit is used up, `api_key`, `connection`, `environment` or `provider`.
             * @example connection
             */
            scope?: string;
        };
        /** @description One thing that a user gives. */
        Field: {
            /** @description The value where none is given. */
            default?: string;
            /** @description Where a person finds it. */
            description?: string;
            /** @description The only values that it may have. */
            enum?: string[];
            /** @description A value as it may look. */
            example?: string;
            /** @description What a form shows. */
            label: string;
            /** @description A regular expression over the whole value. */
            pattern?: string;
            /** @description Whether it must be given. */
            required: boolean;
            /** @description Whether a form hides it. */
            secret: boolean;
        };
        /** @description One thing that is wrong with a request. */
        FieldError: {
            /** @description What is wrong and what would be right. */
            message: string;
            /** @description The place: `headers.accept`, empty for the whole. */
            path: string;
            /** @description The known name that was probably meant. */
            suggestion?: string;
        };
        /** @description An object; or pairs of name and value, where order or repetition matters. */
        FormBody: {
            [key: string]: components["schemas"]["OneOrMany"];
        } | (string | number | boolean)[][];
        /**
         * @description How a usable secret is obtained.
         * @enum {string}
         */
        Grant: "static" | "oauth2_code" | "oauth2_client_credentials" | "oauth2_password" | "oauth2_jwt_bearer" | "oauth1" | "app_jwt_exchange" | "login" | "mcp_oauth";
        /** @description The value of a header, or its values where it came more than once. */
        HeaderValues: string | string[];
        /** @description A state. */
        Health: {
            /** @description `ok`. */
            status: string;
        };
        /** @description An integration. Its secrets can be written and never read. */
        Integration: {
            /** @description Hosts that variables of its connections may name besides those of the provider's file. */
            allowHosts: string[];
            /** @description Further parameters of the page where end users consent. */
            authorizeParams: {
                [key: string]: string;
            };
            /** @description The OAuth client's id. */
            clientId?: string;
            /**
             * Format: date-time
             * @description RFC 3339; when the provider last refused the OAuth client. Gone once another client is given.
             * @example 2026-01-31T12:00:00.000Z
             */
            clientRejectedAt?: string;
            /**
             * Format: date-time
             * @description RFC 3339.
             * @example 2026-01-31T12:00:00.000Z
             */
            createdAt: string;
            /** @description Whether there is a client secret. */
            hasClientSecret: boolean;
            /** @description Whether there is a private key, by which the client shows who it is. */
            hasPrivateKey: boolean;
            /** @description Its name in this environment; part of the redirect URI. */
            key: string;
            /** @description The operator's own name for it; end users see it where several integrations stand to choose from. */
            name?: string;
            /** @description The private key's id at the provider. */
            privateKeyId?: string;
            /** @description The provider's code. */
            provider: string;
            /**
             * @description `none`, `headers` or `headers-and-bodies`, in place of what the provider's file says.
             * @enum {string}
             */
            redactReflections?: "none" | "headers" | "headers-and-bodies";
            /**
             * Format: uri
             * @description What to register as redirect URI (callback URL) in the provider's developer console.
             */
            redirectUri: string;
            /** @description What is asked for in place of the provider's usual scopes. */
            scopes?: string[];
            /**
             * Format: date-time
             * @description RFC 3339.
             * @example 2026-01-31T12:00:00.000Z
             */
            updatedAt: string;
            /** @description Variables that are the same for all of its connections. The value of a secret one is `null`. */
            variables: {
                [key: string]: string | null;
            };
        };
        /** @description The connection that was linked. */
        LinkedConnection: components["schemas"]["Connection"] & {
            /**
             * @description `con_tkn_…`. Absent where an account was linked again that has its token already: that one stays valid, and
             *     is known only to whoever was given it.
             */
            token?: string;
        };
        /** @description A link session, without its URL. */
        LinkSession: {
            /** @description The connection: the one that is linked again, or that was made. */
            connectionId?: string;
            /**
             * Format: date-time
             * @description RFC 3339.
             * @example 2026-01-31T12:00:00.000Z
             */
            createdAt: string;
            /** @description What went wrong last, as a word: `access_denied`, `invalid_credentials`, … */
            error?: string;
            /**
             * Format: date-time
             * @description RFC 3339.
             * @example 2026-01-31T12:00:00.000Z
             */
            expiresAt: string;
            /** @description The end user's id in the caller's product. */
            externalId?: string;
            /**
             * @description `link_<ULID>`.
             * @example link_01M805WQ32ZKWR68SDHP2J0YHP
             */
            id: string;
            /** @description The integrations that the end user may choose among; empty for all. */
            integrations: string[];
            /** @description How far it has come. */
            status: components["schemas"]["LinkStatus"];
            /** @description Free labels for the connection. */
            tags: string[];
        };
        /**
         * @description How far a link session has come.
         * @enum {string}
         */
        LinkStatus: "open" | "started" | "done" | "failed" | "cancelled" | "expired";
        /**
         * @description The methods of the envelope.
         * @enum {string}
         */
        Method: "GET" | "HEAD" | "OPTIONS" | "POST" | "PUT" | "PATCH" | "DELETE";
        /** @description One value; or several, which repeat the name. `null` is none. */
        OneOrMany: (string | number | boolean | null) | (string | number | boolean)[];
        /** @description One page of a list. */
        Page_ApiKey: {
            /** @description The cursor of the next page, where there is one. */
            next?: string;
            /** @description The entries, newest first. */
            results: components["schemas"]["ApiKey"][];
        };
        /** @description One page of a list. */
        Page_Connection: {
            /** @description The cursor of the next page, where there is one. */
            next?: string;
            /** @description The entries, newest first. */
            results: components["schemas"]["Connection"][];
        };
        /** @description One page of a list. */
        Page_Event: {
            /** @description The cursor of the next page, where there is one. */
            next?: string;
            /** @description The entries, newest first. */
            results: components["schemas"]["Event"][];
        };
        /** @description One page of a list. */
        Page_Integration: {
            /** @description The cursor of the next page, where there is one. */
            next?: string;
            /** @description The entries, newest first. */
            results: components["schemas"]["Integration"][];
        };
        /** @description One page of a list. */
        Page_ProviderSummary: {
            /** @description The cursor of the next page, where there is one. */
            next?: string;
            /** @description The entries, newest first. */
            results: components["schemas"]["ProviderSummary"][];
        };
        /** @description One page of a list. */
        Page_Record: {
            /** @description The cursor of the next page, where there is one. */
            next?: string;
            /** @description The entries, newest first. */
            results: components["schemas"]["Record"][];
        };
        /** @description One page of a list. */
        Page_WebhookDelivery: {
            /** @description The cursor of the next page, where there is one. */
            next?: string;
            /** @description The entries, newest first. */
            results: components["schemas"]["WebhookDelivery"][];
        };
        /** @description One page of a list. */
        Page_WebhookEndpoint: {
            /** @description The cursor of the next page, where there is one. */
            next?: string;
            /** @description The entries, newest first. */
            results: components["schemas"]["WebhookEndpoint"][];
        };
        /** @description One part of a `multipart/form-data` body. */
        Part: {
            /** @description Its bytes. This or `value`. */
            base64?: string | null;
            /** @description What the part is. */
            contentType?: string | null;
            /** @description A file name to send: a name only, never read from a disk. */
            filename?: string | null;
            /** @description The field's name. */
            name: string;
            /** @description Its text. This or `base64`. */
            value?: string | null;
        };
        /**
         * @description A passthrough request.
         * @example {
         *       "method": "GET",
         *       "path": "/v1/items?limit=10"
         *     }
         */
        PassthroughRequest: {
            /** @description The name of one of the provider's further base URLs. */
            base?: string | null;
            /** @description A string goes out byte for byte; any other JSON value goes out as JSON, its text unchanged. */
            body?: unknown;
            /** @description How `body` is to be read. */
            bodyEncoding?: components["schemas"]["BodyEncoding"] | null;
            /** @description Sent as `application/x-www-form-urlencoded`: an object, or an array of `[name, value]`. */
            form?: components["schemas"]["FormBody"] | null;
            /** @description Headers for the provider. The connection's credential is added by us and always wins. */
            headers?: {
                [key: string]: components["schemas"]["OneOrMany"];
            } | null;
            /** @description The method. */
            method: components["schemas"]["Method"];
            /** @description Sent as `multipart/form-data`. */
            multipart?: components["schemas"]["Part"][] | null;
            /** @description Begins with `/`; may hold a query. */
            path: string;
            /** @description Appended to the path's query; arrays repeat the key. */
            query?: {
                [key: string]: components["schemas"]["OneOrMany"];
            } | null;
            /** @description How `response` is to be presented. */
            responseAs?: components["schemas"]["ResponseAs"] | null;
            /**
             * @description Total deadline of this call in milliseconds, up to the configured maximum.
             * @example 10000
             */
            timeoutMs?: number | null;
        };
        /**
         * @description A passthrough response: any answer of the provider, whatever its status.
         * @example {
         *       "method": "GET",
         *       "path": "/orders?status=paid",
         *       "statusCode": 200,
         *       "headers": {
         *         "content-type": "application/json",
         *         "set-cookie": [
         *           "a=1",
         *           "b=2"
         *         ]
         *       },
         *       "response": {
         *         "orders": [
         *           {
         *             "id": 1001,
         *             "status": "paid"
         *           }
         *         ]
         *       },
         *       "responseEncoding": "json",
         *       "requestId": "req_01M805WPGS4KPQR5ZSR9999NDZ",
         *       "durationMs": 41,
         *       "upstreamDurationMs": 38,
         *       "attempts": 1
         *     }
         */
        PassthroughResponse: {
            /**
             * Format: int32
             * @description How many times the provider was called.
             */
            attempts: number;
            /**
             * Format: int64
             * @description The whole, in milliseconds.
             */
            durationMs: number;
            /** @description The provider's headers, names as received; one that came more than once is an array. */
            headers: {
                [key: string]: components["schemas"]["HeaderValues"];
            };
            /** @description As sent. */
            method: string;
            /** @description As sent, without the base URL; secrets that injection put there are `***`. */
            path: string;
            /**
             * @description `req_<ULID>`.
             * @example req_01M805WQ32ZKWR68SDHP2J0YHP
             */
            requestId: string;
            /** @description The body. */
            response: unknown;
            /**
             * @description What `response` is: `json`, `text` or `base64`.
             * @enum {string}
             */
            responseEncoding: "json" | "text" | "base64";
            /**
             * Format: int32
             * @description The provider's status.
             */
            statusCode: number;
            /**
             * Format: int64
             * @description The provider's part of it.
             */
            upstreamDurationMs: number;
        };
        /**
         * @description `PATCH /v1/connections/{id}`. What is absent stays; `null` clears.
         * @example {
         *       "name": "Ada's shop",
         *       "tags": [
         *         "eu"
         *       ]
         *     }
         */
        PatchConnection: {
            /** @description New fields of the auth entry, all of them. */
            credentials?: {
                [key: string]: string | number | null;
            } | null;
            /** @description The end user's id in the caller's product. */
            externalId?: string | null;
            /** @description The operator's own name for it. */
            name?: string | null;
            /** @description `archived` puts it away, `connected` takes it back. */
            status?: ("archived" | "connected") | null;
            /** @description Free labels, all of them. */
            tags?: string[] | null;
            /** @description New variables, all of them. */
            variables?: {
                [key: string]: string | number | null;
            } | null;
        };
        /**
         * @description `PATCH /v1/integrations/{key}`. What is absent stays; `null` clears. Key and provider cannot be changed.
         * @example {
         *       "name": "HubSpot EU",
         *       "scopes": null
         *     }
         */
        PatchIntegration: {
            /** @description Hosts that variables of its connections may name, all of them. */
            allowHosts?: string[] | null;
            /** @description Further parameters of the page where end users consent, all of them. */
            authorizeParams?: {
                [key: string]: string | null;
            } | null;
            /** @description The OAuth client's id. */
            clientId?: string | null;
            /** @description The OAuth client's secret. */
            clientSecret?: string | null;
            /** @description The operator's own name for it. */
            name?: string | null;
            /** @description A private key in PEM. */
            privateKey?: string | null;
            /** @description The private key's id at the provider. */
            privateKeyId?: string | null;
            /** @description `none`, `headers` or `headers-and-bodies`; `null` for what the provider's file says. */
            redactReflections?: ("none" | "headers" | "headers-and-bodies") | null;
            /** @description What to ask for, all of it; `null` for the provider's usual scopes. */
            scopes?: string[] | null;
            /** @description Variables that are the same for all of its connections, all of them. */
            variables?: {
                [key: string]: string | number | null;
            } | null;
        };
        /**
         * @description `PATCH /v1/webhook-endpoints/{id}`. What is absent stays.
         * @example {
         *       "enabled": false
         *     }
         */
        PatchWebhookEndpoint: {
            /** @description Whether it is told of anything. */
            enabled?: boolean | null;
            /** @description The kinds of events that it is told of, all of them; all kinds where empty. */
            kinds?: components["schemas"]["EventKind"][] | null;
            /**
             * Format: uri
             * @description Where events are to be sent to.
             * @example https://app.example.com/hooks/passthrough
             */
            url?: string | null;
        };
        /** @description A provider, whole. */
        Provider: {
            /** @description The ways to authenticate. */
            auth: {
                [key: string]: components["schemas"]["Auth"];
            };
            /** @description Where the API is, with its variables. */
            baseUrl: string;
            /** @description More places, by the name that goes into `base`. */
            baseUrls: {
                [key: string]: string;
            };
            /** @description What it is about. */
            categories: string[];
            /** @description Its code. */
            code: string;
            /** @description The day that it goes away. */
            deprecatedOn?: string;
            /**
             * Format: uri
             * @description The API's documentation.
             */
            docs?: string;
            /** @description The product's name. */
            name: string;
            /**
             * @description `live`, `beta` or `deprecated`.
             * @enum {string}
             */
            status: "live" | "beta" | "deprecated";
            /** @description What differs between accounts. */
            variables: {
                [key: string]: components["schemas"]["Field"];
            };
            /**
             * Format: uri
             * @description The product's home page.
             */
            website?: string;
        };
        /** @description What a provider said about its own limits; what it did not say is absent. */
        ProviderLimit: {
            /**
             * Format: int64
             * @description Calls in a window.
             */
            limit?: number;
            /**
             * Format: int64
             * @description Calls left in it.
             */
            remaining?: number;
            /**
             * Format: date-time
             * @description When the window ends, or the next call may come: RFC 3339.
             * @example 2026-01-31T12:00:00.000Z
             */
            resetsAt?: string;
        };
        /** @description A provider in a list. */
        ProviderSummary: {
            /** @description The names of its auth entries. */
            auth: string[];
            /** @description What it is about. */
            categories: string[];
            /** @description Its code. */
            code: string;
            /** @description The product's name. */
            name: string;
            /**
             * @description `live`, `beta` or `deprecated`.
             * @enum {string}
             */
            status: "live" | "beta" | "deprecated";
        };
        /** @description What is kept about one passthrough: no body, no query string, no header. */
        Record: {
            /** @description The API key. */
            apiKeyId?: string;
            /**
             * Format: int32
             * @description How many times the provider was called.
             */
            attempts: number;
            /** @description The connection, where the token led to one. */
            connectionId?: string;
            /**
             * @description The door: `envelope`, `raw`, `proxy`, `terminal` or `panora`.
             * @enum {string}
             */
            door: "envelope" | "raw" | "proxy" | "terminal" | "panora";
            /**
             * Format: int64
             * @description The whole, in milliseconds.
             */
            durationMs: number;
            /** @description Our error code, where we failed. */
            errorCode?: components["schemas"]["Ending"];
            /** @description The reason of the code, where it has several: `detail.reason` or `detail.scope` of the error. */
            errorReason?: string;
            /**
             * @description `req_<ULID>`.
             * @example req_01M805WQ32ZKWR68SDHP2J0YHP
             */
            id: string;
            /** @description The method. */
            method: string;
            /**
             * @description Who was at fault.
             * @enum {string}
             */
            origin?: "caller" | "connection" | "provider" | "passthrough";
            /** @description The path, without its query. */
            path: string;
            /** @description The provider's code. */
            provider?: string;
            /** @description What the provider's answer said about its own limits. */
            providerLimit?: components["schemas"]["ProviderLimit"];
            /**
             * Format: int64
             * @description Bytes of body sent to the provider.
             */
            requestBytes: number;
            /**
             * Format: int64
             * @description Bytes of body received from the provider.
             */
            responseBytes: number;
            /**
             * @description Whether anything reached the provider.
             * @enum {string}
             */
            sent: "no" | "unknown" | "yes";
            /**
             * Format: date-time
             * @description RFC 3339.
             * @example 2026-01-31T12:00:00.000Z
             */
            startedAt: string;
            /**
             * Format: int32
             * @description The provider's status, where it answered.
             */
            statusCode?: number;
            /**
             * Format: int64
             * @description The provider's part of it.
             */
            upstreamDurationMs?: number;
        };
        /** @description The answer of `POST /v1/connections/{id}/refresh`. */
        Refreshed: {
            /**
             * Format: date-time
             * @description RFC 3339; when the new credential ends, where the provider said so.
             * @example 2026-01-31T12:00:00.000Z
             */
            expiresAt?: string;
        };
        /** @description The answer of `POST /v1/events/{id}/replay`. */
        Replayed: {
            /** @description To how many endpoints it is sent again. */
            deliveries: number;
        };
        /**
         * @description How `response` is to be presented.
         * @enum {string}
         */
        ResponseAs: "auto" | "json" | "text" | "base64";
        /**
         * @description What came of giving a grant back to its provider.
         * @enum {string}
         */
        Revocation: "done" | "not_offered" | "failed";
        /**
         * @description The answer of `POST /v1/connections/{id}/verify`.
         * @example {
         *       "result": "alive",
         *       "statusCode": 200,
         *       "message": "the provider accepts the credential"
         *     }
         */
        Verification: {
            /** @description The account, where the answer says it. */
            account?: components["schemas"]["Account"];
            /** @description A sentence for a person. */
            message: string;
            /** @description What the call showed. */
            result: components["schemas"]["VerificationResult"];
            /**
             * Format: int32
             * @description The provider's status, where it answered.
             */
            statusCode?: number;
        };
        /**
         * @description What a verification showed.
         * @enum {string}
         */
        VerificationResult: "alive" | "refused" | "unreachable";
        /** @description The delivery of one event to one endpoint. */
        WebhookDelivery: {
            /**
             * Format: int32
             * @description How often it was tried.
             */
            attempts: number;
            /**
             * Format: date-time
             * @description RFC 3339.
             * @example 2026-01-31T12:00:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description RFC 3339.
             * @example 2026-01-31T12:00:00.000Z
             */
            deliveredAt?: string;
            /** @description The endpoint. */
            endpointId: string;
            /** @description The event; also the message's `webhook-id`. */
            eventId: string;
            /**
             * @description `dlv_<ULID>`.
             * @example dlv_01M805WQ32ZKWR68SDHP2J0YHP
             */
            id: string;
            /** @description A short word for why the last try did not count: `status`, `dns`, `connect`, `tls`, `blocked_address`, `total_timeout`. */
            lastError?: string;
            /**
             * Format: int32
             * @description The endpoint's last status, where it answered.
             */
            lastStatusCode?: number;
            /**
             * Format: date-time
             * @description RFC 3339; when it is tried next.
             * @example 2026-01-31T12:00:00.000Z
             */
            nextAttemptAt?: string;
            /**
             * @description `pending`, `delivered` or `failed`.
             * @enum {string}
             */
            status: "pending" | "delivered" | "failed";
        };
        /** @description A webhook endpoint, without its secret. */
        WebhookEndpoint: {
            /**
             * Format: date-time
             * @description RFC 3339.
             * @example 2026-01-31T12:00:00.000Z
             */
            createdAt: string;
            /** @description Whether it is told of anything. */
            enabled: boolean;
            /**
             * @description `whk_<ULID>`.
             * @example whk_01M805WQ32ZKWR68SDHP2J0YHP
             */
            id: string;
            /** @description The kinds of events that it is told of; all where empty. */
            kinds: components["schemas"]["EventKind"][];
            /**
             * Format: date-time
             * @description RFC 3339; until when the secret before the last rotation signs, too.
             * @example 2026-01-31T12:00:00.000Z
             */
            oldSecretUntil?: string;
            /**
             * Format: date-time
             * @description RFC 3339.
             * @example 2026-01-31T12:00:00.000Z
             */
            updatedAt: string;
            /**
             * Format: uri
             * @description Where events are sent to.
             * @example https://app.example.com/hooks/passthrough
             */
            url: string;
        };
        /** @description A webhook endpoint with its secret: shown at creation and rotation, never again. */
        WebhookEndpointWithSecret: components["schemas"]["WebhookEndpoint"] & {
            /** @description `whsec_…`: what a receiver checks signatures with. */
            secret: string;
        };
    };
    responses: {
        /** @description No usable answer came from the provider; `detail.reason` says why */
        BadGateway: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "bad_gateway";
                };
            };
        };
        /** @description The request is malformed or refused; `detail` says where and how */
        BadRequest: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "bad_request";
                    /** @description What is wrong, place by place. */
                    detail: components["schemas"]["FieldError"][];
                };
            };
        };
        /** @description It contradicts what is there, or was changed at the same moment */
        Conflict: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "conflict";
                };
            };
        };
        /** @description No answer came in time; `detail.reason` says what took so long */
        GatewayTimeout: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "gateway_timeout";
                };
            };
        };
        /** @description A fault of ours; the log has more under the request id */
        InternalServerError: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "internal_server_error";
                };
            };
        };
        /** @description There is no such thing in this environment; or the connection token leads to none */
        NotFound: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "not_found";
                };
            };
        };
        /** @description The body is larger than allowed */
        PayloadTooLarge: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "payload_too_large";
                };
            };
        };
        /** @description No usable answer came from the provider; `detail.reason` says why. Or the provider's own answer of this status, where `Passthrough-Source` is `provider` */
        ProxiedOrBadGateway: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "*/*": unknown;
                "application/json": (components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "bad_gateway";
                }) | unknown;
            };
        };
        /** @description The request is malformed or refused; `detail` says where and how. Or the provider's own answer of this status, where `Passthrough-Source` is `provider` */
        ProxiedOrBadRequest: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                [name: string]: unknown;
            };
            content: {
                "*/*": unknown;
                "application/json": (components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "bad_request";
                    /** @description What is wrong, place by place. */
                    detail: components["schemas"]["FieldError"][];
                }) | unknown;
            };
        };
        /** @description No answer came in time; `detail.reason` says what took so long. Or the provider's own answer of this status, where `Passthrough-Source` is `provider` */
        ProxiedOrGatewayTimeout: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                [name: string]: unknown;
            };
            content: {
                "*/*": unknown;
                "application/json": (components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "gateway_timeout";
                }) | unknown;
            };
        };
        /** @description A fault of ours; the log has more under the request id. Or the provider's own answer of this status, where `Passthrough-Source` is `provider` */
        ProxiedOrInternalServerError: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                [name: string]: unknown;
            };
            content: {
                "*/*": unknown;
                "application/json": (components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "internal_server_error";
                }) | unknown;
            };
        };
        /** @description There is no such thing in this environment; or the connection token leads to none. Or the provider's own answer of this status, where `Passthrough-Source` is `provider` */
        ProxiedOrNotFound: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                [name: string]: unknown;
            };
            content: {
                "*/*": unknown;
                "application/json": (components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "not_found";
                }) | unknown;
            };
        };
        /** @description The body is larger than allowed. Or the provider's own answer of this status, where `Passthrough-Source` is `provider` */
        ProxiedOrPayloadTooLarge: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                [name: string]: unknown;
            };
            content: {
                "*/*": unknown;
                "application/json": (components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "payload_too_large";
                }) | unknown;
            };
        };
        /** @description A limit is used up; `detail.scope` says whose. Or the provider's own answer of this status, where `Passthrough-Source` is `provider` */
        ProxiedOrTooManyRequests: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "*/*": unknown;
                "application/json": (components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "too_many_requests";
                }) | unknown;
            };
        };
        /** @description The API key is missing, unknown, revoked or expired: one answer for all. Or the provider's own answer of this status, where `Passthrough-Source` is `provider` */
        ProxiedOrUnauthorized: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                [name: string]: unknown;
            };
            content: {
                "*/*": unknown;
                "application/json": (components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "unauthorized";
                }) | unknown;
            };
        };
        /** @description A part of ours is busy or away, or the provider is left alone for a moment; `Retry-After` says for how long. Or the provider's own answer of this status, where `Passthrough-Source` is `provider` */
        ProxiedOrUnavailable: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "*/*": unknown;
                "application/json": (components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "overloaded" | "refresh_in_progress" | "circuit_open" | "unavailable";
                }) | unknown;
            };
        };
        /** @description The connection cannot do it: disconnected (`detail.linkUrl` leads to linking it again), archived, or refused. Or the provider's own answer of this status, where `Passthrough-Source` is `provider` */
        ProxiedOrUnprocessableEntity: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                [name: string]: unknown;
            };
            content: {
                "*/*": unknown;
                "application/json": (components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "connection_disconnected" | "invalid_credentials" | "insufficient_permissions" | "unprocessable_entity";
                }) | unknown;
            };
        };
        /** @description A limit is used up; `detail.scope` says whose */
        TooManyRequests: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "too_many_requests";
                };
            };
        };
        /** @description The API key is missing, unknown, revoked or expired: one answer for all */
        Unauthorized: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "unauthorized";
                };
            };
        };
        /** @description A part of ours is busy or away, or the provider is left alone for a moment; `Retry-After` says for how long */
        Unavailable: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "overloaded" | "refresh_in_progress" | "circuit_open" | "unavailable";
                };
            };
        };
        /** @description The connection cannot do it: disconnected (`detail.linkUrl` leads to linking it again), archived, or refused */
        UnprocessableEntity: {
            headers: {
                "Passthrough-Request-Id": components["headers"]["Passthrough-Request-Id"];
                "Passthrough-Source": components["headers"]["Passthrough-Source"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"] & {
                    /**
                     * @description What went wrong, as a name to branch on.
                     * @enum {unknown}
                     */
                    code: "connection_disconnected" | "invalid_credentials" | "insufficient_permissions" | "unprocessable_entity";
                };
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: {
        /** @description Where the operator has set limits: how many calls may come at once. */
        "Passthrough-RateLimit-Limit": number;
        /** @description Where the operator has set limits: how many calls are left. */
        "Passthrough-RateLimit-Remaining": number;
        /** @description Where the operator has set limits: seconds until all calls are there again. */
        "Passthrough-RateLimit-Reset": number;
        /**
         * @description The id of this request, to be found in the records and in the log.
         * @example req_01M805WPGS4KPQR5ZSR9999NDZ
         */
        "Passthrough-Request-Id": string;
        /** @description Whose words the body is: the provider's own bytes, our JSON about the provider's answer, or ours. */
        "Passthrough-Source": "provider" | "envelope" | "passthrough";
        /** @description Where the operator has set limits: how many calls may come at once. */
        "RateLimit-Limit": number;
        /** @description Where the operator has set limits: how many calls are left. */
        "RateLimit-Remaining": number;
        /** @description Where the operator has set limits: seconds until all calls are there again. */
        "RateLimit-Reset": number;
        /**
         * @description Seconds to wait.
         * @example 1
         */
        "Retry-After": number;
        /** @description How to say who calls. */
        "WWW-Authenticate": "Bearer";
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
