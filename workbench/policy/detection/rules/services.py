"""Holds the rules for messaging, payment, mail and other services.

Formats are facts from the vendors' own documentation, named in each rule; patterns are our own.
"""

from __future__ import annotations

import re

from workbench.policy.detection.likeness import lively, random_looking
from workbench.policy.detection.rule import WORD_AFTER as END
from workbench.policy.detection.rule import WORD_BEFORE as START
from workbench.policy.detection.rule import Confidence, Hit, of_value, secret

_LIVELY = of_value(lively)


def _slack(hit: Hit) -> bool:
    body = hit.value.partition(b"-")[2]
    return len(re.findall(rb"\d", body)) >= 8 and lively(hit.value)


RULES = (
    secret(
        "slack-token",
        "Slack token",
        "Slack API documentation, token types",
        START + rb"(?:xox[abeoprs](?:\.xox[bp])?|xapp)-[0-9A-Za-z-]{16,400}+",
        "xox xapp-",
        check=_slack,
    ),
    secret(
        "slack-webhook",
        "Slack webhook URL",
        "Slack API documentation, incoming webhooks",
        rb"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{40,80}+)",
        "hooks.slack.com",
        check=_LIVELY,
    ),
    secret(
        "chat-webhook",
        "Discord or Teams webhook URL",
        "Discord developer documentation, webhooks; Microsoft Learn, incoming webhooks",
        rb"discord(?:app)?\.com/api/webhooks/(\d{17,20}+/[\w-]{60,80}+)"
        rb"|webhook\.office\.com/webhookb2/([\w@-]{36,90}+/IncomingWebhook/\w{32}/[\w-]{36})",
        "webhooks/ webhook.office",
    ),
    secret(
        "telegram-token",
        "Telegram bot token",
        "Telegram Bot API, authorizing your bot",
        START + rb"\d{8,10}+:AA[\w-]{33}(?![\w-])",
        ":aa",
        check=_LIVELY,
    ),
    secret(
        "stripe-key",
        "Stripe key",
        "Stripe documentation, API keys; webhooks: signing secret",
        START + rb"(?:[sr]k_(?:live|test|prod)_[A-Za-z0-9]{16,247}+|whsec_[A-Za-z0-9]{32,64}+)" + END,
        "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_ whsec_",
        check=_LIVELY,
    ),
    secret(
        "twilio-key",
        "Twilio API key",
        "Twilio documentation, API keys",
        START + rb"SK[0-9a-f]{32}" + END,
        "sk",
        check=_LIVELY,
    ),
    secret(
        "twilio-auth-token",
        "Twilio auth token",
        "Twilio documentation, auth tokens",
        rb"twilio[\w .-]{0,24}+[\"']?[ \t]{0,4}+(?::|:?=>?|,)[ \t]{0,4}+[\"']?([0-9a-f]{32})" + END,
        "twilio",
        check=_LIVELY,
        flags=re.IGNORECASE,
    ),
    secret(
        "sendgrid-key",
        "SendGrid API key",
        "Twilio SendGrid documentation, API keys",
        START + rb"SG\.[\w-]{22}\.[\w-]{43}(?![\w-])",
        "sg.",
        check=_LIVELY,
    ),
    secret(
        "mail-service-key",
        "mail service key (Mailgun, Mailchimp, Brevo)",
        "Mailgun, Mailchimp and Brevo documentation, API keys",
        START + rb"(?:key-[0-9a-f]{32}|[0-9a-f]{32}-us\d{1,2}+|xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16})" + END,
        "key- -us xkeysib-",
        check=_LIVELY,
    ),
    secret(
        "payment-key",
        "payment service key (Square, Shopify, Flutterwave, EasyPost, Duffel, PayPal Braintree)",
        "Square, Shopify, Flutterwave, EasyPost, Duffel and Braintree documentation, access tokens",
        START
        + rb"(?:sq0(?:atp|csp)-[\w-]{22,43}+|EAAA[\w-]{60}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|FLW(?:SECK"
        rb"|PUBK)_TEST-[0-9a-h]{12,32}+"
        + rb"-X|EZ[AT]K[A-Za-z0-9]{54}|duffel_(?:test|live)_[\w-]{43}|access_token\$(?:production"
        rb"|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32})" + rb"(?![\w-])",
        "sq0atp- sq0csp- eaaa shpat_ shpca_ shppa_ shpss_ flwseck_ flwpubk_ ezak eztk duffel_ access_token$",
        check=of_value(lambda value: lively(value) and (value[:4] != b"EAAA" or random_looking(value))),
    ),
    secret(
        "facebook-token",
        "Facebook access token",
        "Meta for Developers, access tokens",
        START + rb"(?:EAA[MC][A-Za-z0-9]{100,400}+|\d{15,16}+(?:\||%7[cC])[\w-]{27,40}+)" + END,
        "eaam eaac | %7c",
        check=_LIVELY,
    ),
    secret(
        "onepassword-token",
        "1Password service account token or secret key",
        "1Password developer documentation, service accounts; security design: account secret key",
        START + rb"(?:ops_eyJ[A-Za-z0-9+/]{240,2000}+={0,3}+|A3-[A-Z0-9]{6}-(?:[A-Z0-9]{6}-[A-Z0-9]{5}"
        rb"|[A-Z0-9]{11})(?:-[A-Z0-9]{5}){3})" + END,
        "ops_eyj a3-",
        check=_LIVELY,
    ),
    secret(
        "workspace-token",
        "workspace tool token (Notion, Linear, Airtable, Figma, Postman, Typeform, ReadMe, Frame.io, "
        "Contentful, Adafruit)",
        "Notion, Linear, Airtable, Figma, Postman, Typeform, ReadMe, Frame.io, Contentful and Adafruit "
        "documentation, tokens",
        START + rb"(?:ntn_\d{11}[A-Za-z0-9]{32,35}+|secret_[A-Za-z0-9]{43}|lin_api_[A-Za-z0-9]{40}"
        rb"|pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"
        + rb"|fig[dor]_[\w-]{38,60}+|PMAK-[0-9a-f]{24}-[0-9a-f]{34}|tfp_[\w.=-]{44,64}+|rdme_[a-z0-9]{70}"
        rb"|fio-u-[\w=-]{64}" + rb"|CFPAT-[\w-]{43}|aio_[A-Za-z0-9]{28})(?![\w-])",
        "ntn_ secret_ lin_api_ pat figd_ figo_ figr_ pmak- tfp_ rdme_ fio-u- cfpat- aio_",
        check=_LIVELY,
    ),
    secret(
        "intra42-secret",
        "42 intranet client secret",
        "42 API documentation, applications",
        START + rb"s-s4t2(?:ud|af)-[0-9a-f]{64}" + END,
        "s-s4t2",
    ),
    secret(
        "okta-token",
        "Okta API token",
        "Okta developer documentation, create an API token",
        rb"okta[\w .-]{0,24}+[\"']?[ \t]{0,4}+(?::|:?=>?|,)[ \t]{0,4}+[\"']?(00[\w-]{40})(?![\w-])",
        "okta",
        check=_LIVELY,
        flags=re.IGNORECASE,
    ),
    secret(
        "cloudflare-key",
        "Cloudflare origin CA key",
        "Cloudflare documentation, origin CA keys",
        START + rb"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}" + END,
        "v1.0-",
    ),
    secret(
        "supabase-key",
        "Supabase or Vercel token",
        "Supabase and Vercel documentation, access tokens",
        START + rb"(?:sbp_[0-9a-f]{40}|sb_secret_[\w-]{31}|vc[piar]_[A-Za-z0-9]{56})" + END,
        "sbp_ sb_secret_ vcp_ vci_ vca_ vcr_",
        check=_LIVELY,
        confidence=Confidence.HIGH,
    ),
)
