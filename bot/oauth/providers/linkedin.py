"""LinkedIn: posts of a person, and of organisations for approved partners.

https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow (read
2026-11-21). Most apps get no refresh token: a connection ends after 60 days. Where there is one it
lives a year from the first consent, however often it is used. Calls name a version of the API:
202603 is served until 2027-03-16. Pictures and films go to www.linkedin.com, with the token.
"""

from datetime import timedelta

from bot.oauth.provider import Feature, Provider, Revoke, Who

_OAUTH = "https://www.linkedin.com/oauth/v2"

PROVIDER = Provider(
    name="linkedin",
    title="LinkedIn",
    authorize_url=f"{_OAUTH}/authorization",
    token_url=f"{_OAUTH}/accessToken",
    hosts=("api.linkedin.com", "www.linkedin.com"),
    who=Who(url="https://api.linkedin.com/v2/userinfo", id="sub"),
    base=("openid", "profile", "email"),
    features={
        "publish": Feature(title="Publish as yourself", scopes=("w_member_social",)),
        "organisations": Feature(
            title="Publish for organisations (approved partners)",
            scopes=("w_organization_social", "r_organization_social"),
            asked=False,
        ),
        "numbers": Feature(
            title="See how pages did (approved partners)",
            scopes=("r_organization_social", "rw_organization_admin"),
            asked=False,
        ),
    },
    rotates=False,
    lasts=timedelta(days=60),
    refresh_lasts=timedelta(days=365),
    refresh_fixed=True,
    revoke=Revoke(url=f"{_OAUTH}/revoke"),
    by_hand="https://www.linkedin.com/mypreferences/d/data-sharing-for-permitted-services",
    headers={"LinkedIn-Version": "202603", "X-Restli-Protocol-Version": "2.0.0"},
    verification="active",
    to_do=(
        "Add the products Sign In with LinkedIn and Share on LinkedIn to the app.",
        "Without refresh tokens the connection ends after 60 days; you are told a week before.",
    ),
)
