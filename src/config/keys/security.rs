//! TLS, SASL, tokens, authorisation.

use super::super::key::{Key, Validator, boolean, class, double, int, list, long, password, short, string};

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    string("authorizer.class.name").default("")
        .refused("this version has no authorizer: everybody could do everything")
        .doc("Class that decides who may do what; empty: everyone everything."),
    int("connection.failed.authentication.delay.ms").default("100").at_least(0)
        .doc("Time a connection stays open after its authentication failed, to slow down guessing."),
    long("connections.max.reauth.ms").default("0")
        .doc("Longest life of a SASL session before the client has to authenticate again; 0: no limit."),
    long("delegation.token.expiry.check.interval.ms").default("3600000").at_least(1)
        .doc("Time between two sweeps for expired delegation tokens."),
    long("delegation.token.expiry.time.ms").default("86400000").at_least(1)
        .doc("Time after which a delegation token must have been renewed."),
    long("delegation.token.max.lifetime.ms").default("604800000").at_least(1)
        .doc("Time after which a delegation token can no longer be renewed."),
    password("delegation.token.secret.key")
        .doc("Secret that delegation tokens are signed with, the same on all brokers."),
    class("principal.builder.class").default("org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder").per_broker()
        .refused("this version runs no Java class: principals would be others than expected")
        .doc("Class that makes a principal of what authentication found. Java only."),
    class("sasl.client.callback.handler.class")
        .doc("Class that answers SASL's questions when the broker is the client. Java only."),
    list("sasl.enabled.mechanisms").default("GSSAPI").per_broker()
        .doc("SASL mechanisms that clients may use."),
    password("sasl.jaas.config").per_broker()
        .doc("Login settings of SASL, in JAAS's form."),
    string("sasl.kerberos.kinit.cmd").default("/usr/bin/kinit").per_broker()
        .doc("Path of kinit."),
    long("sasl.kerberos.min.time.before.relogin").default("60000").per_broker()
        .doc("Least time between two Kerberos logins."),
    list("sasl.kerberos.principal.to.local.rules").default("DEFAULT").per_broker()
        .doc("Rules that turn Kerberos principals into short names."),
    string("sasl.kerberos.service.name").per_broker()
        .doc("Kerberos name of the service."),
    double("sasl.kerberos.ticket.renew.jitter").default("0.05").per_broker()
        .doc("Random share by which the time of a Kerberos renewal varies."),
    double("sasl.kerberos.ticket.renew.window.factor").default("0.8").per_broker()
        .doc("Share of a ticket's life after which it is renewed."),
    class("sasl.login.callback.handler.class")
        .doc("Class that answers the questions of a SASL login. Java only."),
    class("sasl.login.class")
        .doc("Class that logs in. Java only."),
    int("sasl.login.connect.timeout.ms")
        .doc("Time to connect to an OAuth provider."),
    int("sasl.login.read.timeout.ms")
        .doc("Time to read from an OAuth provider."),
    short("sasl.login.refresh.buffer.seconds").default("300").per_broker()
        .doc("Seconds before a credential's end at which it is renewed at the latest."),
    short("sasl.login.refresh.min.period.seconds").default("60").per_broker()
        .doc("Least seconds between two renewals of a credential."),
    double("sasl.login.refresh.window.factor").default("0.8").per_broker()
        .doc("Share of a credential's life after which it is renewed."),
    double("sasl.login.refresh.window.jitter").default("0.05").per_broker()
        .doc("Random share by which the time of that renewal varies."),
    long("sasl.login.retry.backoff.max.ms").default("10000")
        .doc("Longest pause between tries to reach an OAuth provider."),
    long("sasl.login.retry.backoff.ms").default("100")
        .doc("First pause between tries to reach an OAuth provider."),
    string("sasl.mechanism.controller.protocol").default("GSSAPI")
        .doc("SASL mechanism towards controllers."),
    string("sasl.mechanism.inter.broker.protocol").default("GSSAPI").per_broker()
        .doc("SASL mechanism between brokers."),
    string("sasl.oauthbearer.assertion.algorithm").default("RS256").allowed(Validator::OneOfIgnoringCase(&["es256", "rs256"]))
        .doc("Algorithm that client assertions are signed with."),
    string("sasl.oauthbearer.assertion.claim.aud")
        .doc("Audience claimed in a client assertion."),
    int("sasl.oauthbearer.assertion.claim.exp.seconds").default("300").between(0, 86_400)
        .doc("Seconds after which a client assertion expires."),
    string("sasl.oauthbearer.assertion.claim.iss")
        .doc("Issuer claimed in a client assertion."),
    boolean("sasl.oauthbearer.assertion.claim.jti.include").default("false")
        .doc("Give each client assertion an id of its own."),
    int("sasl.oauthbearer.assertion.claim.nbf.seconds").default("60").between(0, 3_600)
        .doc("Seconds by which the start of a client assertion's validity is set back."),
    string("sasl.oauthbearer.assertion.claim.sub")
        .doc("Subject claimed in a client assertion."),
    string("sasl.oauthbearer.assertion.file")
        .doc("File with a ready client assertion."),
    string("sasl.oauthbearer.assertion.private.key.file")
        .doc("File with the key that client assertions are signed with."),
    password("sasl.oauthbearer.assertion.private.key.passphrase")
        .doc("Passphrase of that key."),
    string("sasl.oauthbearer.assertion.template.file")
        .doc("File with a template of header and claims for client assertions."),
    string("sasl.oauthbearer.client.credentials.client.id")
        .doc("Client id for OAuth's client credentials."),
    password("sasl.oauthbearer.client.credentials.client.secret")
        .doc("Client secret for OAuth's client credentials."),
    int("sasl.oauthbearer.clock.skew.seconds").default("30")
        .doc("Seconds by which the clocks of the OAuth provider and of the broker may differ."),
    list("sasl.oauthbearer.expected.audience").default("")
        .doc("Audiences that a token may be meant for."),
    string("sasl.oauthbearer.expected.issuer")
        .doc("Issuer that a token must come from."),
    long("sasl.oauthbearer.jwks.endpoint.refresh.ms").default("3600000")
        .doc("Time after which the provider's keys are fetched again."),
    long("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms").default("10000")
        .doc("Longest pause between tries to fetch the provider's keys."),
    long("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms").default("100")
        .doc("First pause between tries to fetch the provider's keys."),
    string("sasl.oauthbearer.jwks.endpoint.url")
        .doc("Where the provider's keys are fetched."),
    class("sasl.oauthbearer.jwt.retriever.class").default("org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever")
        .doc("Class that fetches tokens. Java only."),
    class("sasl.oauthbearer.jwt.validator.class").default("org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator")
        .doc("Class that judges tokens. Java only."),
    string("sasl.oauthbearer.scope")
        .doc("Scope asked for with a token."),
    string("sasl.oauthbearer.scope.claim.name").default("scope")
        .doc("Claim that holds a token's scope."),
    string("sasl.oauthbearer.sub.claim.name").default("sub")
        .doc("Claim that holds a token's subject."),
    string("sasl.oauthbearer.token.endpoint.url")
        .doc("Where tokens are fetched."),
    class("sasl.server.callback.handler.class")
        .doc("Class that answers SASL's questions on the broker. Java only."),
    int("sasl.server.max.receive.size").default("524288")
        .doc("Largest message of a client before it is authenticated."),
    string("security.providers")
        .doc("Classes of security providers. Java only."),
    boolean("ssl.allow.dn.changes").default("false")
        .doc("Allow a reloaded certificate to have another distinguished name."),
    boolean("ssl.allow.san.changes").default("false")
        .doc("Allow a reloaded certificate to lack alternative names of the old one."),
    list("ssl.cipher.suites").default("").per_broker()
        .doc("Cipher suites that may be used; empty: the library's choice."),
    string("ssl.client.auth").default("none").one_of(&["required", "requested", "none"]).per_broker()
        .doc("Whether clients have to show a certificate."),
    list("ssl.enabled.protocols").default("TLSv1.2,TLSv1.3").per_broker()
        .doc("TLS versions that may be used."),
    string("ssl.endpoint.identification.algorithm").default("https").per_broker()
        .doc("How a server's name is checked against its certificate; empty: not at all."),
    class("ssl.engine.factory.class").per_broker()
        .doc("Class that makes TLS engines. Java only."),
    password("ssl.key.password").per_broker()
        .doc("Password of the private key."),
    string("ssl.keymanager.algorithm").default("SunX509").per_broker()
        .doc("Algorithm of the key manager. Java only."),
    password("ssl.keystore.certificate.chain").per_broker()
        .doc("Certificates in PEM form, the server's own first."),
    password("ssl.keystore.key").per_broker()
        .doc("Private key in PEM form."),
    string("ssl.keystore.location").per_broker()
        .doc("File with key and certificates."),
    password("ssl.keystore.password").per_broker()
        .doc("Password of that file."),
    string("ssl.keystore.type").default("JKS").per_broker()
        .doc("Form of that file."),
    string("ssl.principal.mapping.rules").default("DEFAULT")
        .doc("Rules that turn a certificate's distinguished name into a user's name."),
    string("ssl.protocol").default("TLSv1.3").per_broker()
        .doc("TLS version that the library is asked for."),
    string("ssl.provider").per_broker()
        .doc("Security provider for TLS. Java only."),
    string("ssl.secure.random.implementation").per_broker()
        .doc("Random number generator for TLS. Java only."),
    string("ssl.trustmanager.algorithm").default("PKIX").per_broker()
        .doc("Algorithm of the trust manager. Java only."),
    password("ssl.truststore.certificates").per_broker()
        .doc("Trusted certificates in PEM form."),
    string("ssl.truststore.location").per_broker()
        .doc("File with trusted certificates."),
    password("ssl.truststore.password").per_broker()
        .doc("Password of that file."),
    string("ssl.truststore.type").default("JKS").per_broker()
        .doc("Form of that file."),
];
