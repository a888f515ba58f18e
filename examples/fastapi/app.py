"""A small application with its own login, whose users have reports made and see them come."""

from asyncio import to_thread
from pathlib import Path
from typing import Annotated

from fastapi import Body, Cookie, Depends, FastAPI, HTTPException, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from accounts import SESSION_S, log_in, log_out, login_of, prepare
from tidings import Client, SubmitOptions
from tidings.fastapi import PROBLEM_RESPONSES, AcceptedGrant, AcceptedJob, MountedTidings, accept, granted
from tidings_server import Identity

HERE = Path(__file__).parent


async def who(connection: HTTPConnection) -> Identity | None:
    """Say to the mounted server whose cookie a request or a socket brings."""
    login = await to_thread(login_of, connection.cookies.get("session", ""))
    return Identity(owner=login.user, expires_at=login.expires_at) if login else None


def current_user(session: Annotated[str, Cookie()] = "") -> str:
    """Return the user of a request, or refuse it."""
    login = login_of(session)
    if login is None:
        raise HTTPException(401, "log in first")
    return login.user


tidings = MountedTidings(authenticate=who)
prepare()
app = FastAPI(title="Reports", lifespan=tidings.lifespan)
tidings.install(app)

UserDep = Annotated[str, Depends(current_user)]
TidingsDep = Annotated[Client, Depends(tidings.client_for(current_user))]


class ReportRow(BaseModel):
    """A report of the user, made or in the making."""

    token: str
    status: str
    submitted: str


@app.post("/login", status_code=204)
def post_login(response: Response, user: Annotated[str, Body()], password: Annotated[str, Body()]) -> None:
    """Log in."""
    session = log_in(user, password)
    if session is None:
        raise HTTPException(403, "there is no such user, or the password is another")
    response.set_cookie("session", session, max_age=int(SESSION_S), httponly=True, samesite="lax")


@app.post("/logout", status_code=204)
def post_logout(response: Response, session: Annotated[str, Cookie()] = "") -> None:
    """Log out."""
    log_out(session)
    response.delete_cookie("session")


@app.get("/me")
def get_me(user: UserDep) -> str:
    """Return the name of the user."""
    return user


@app.post("/reports", status_code=202, responses=PROBLEM_RESPONSES)
async def post_report(client: TidingsDep, year: Annotated[int, Body(embed=True)]) -> AcceptedJob:
    """Have a report made; the answer has its token, and a grant by which the page follows it."""
    return await accept(client, "sales_report", year=year, options=SubmitOptions(tags=["report"]))


@app.get("/reports", responses=PROBLEM_RESPONSES)
async def get_reports(client: TidingsDep) -> list[ReportRow]:
    """List the user's reports, the newest first."""
    jobs = client.jobs(tag="report")
    return [ReportRow(token=job.token, status=job.status, submitted=job.submitted) async for job in jobs]


@app.post("/reports/{token}/grant", status_code=201, responses=PROBLEM_RESPONSES)
async def post_grant(client: TidingsDep, token: str) -> AcceptedGrant:
    """Give the page a fresh grant for a report of the user."""
    return granted(await client.grant(token))


@app.get("/", include_in_schema=False)
def get_page() -> FileResponse:
    """Return the page."""
    return FileResponse(HERE / "page.html")


@app.get("/page.js", include_in_schema=False)
def get_script() -> FileResponse:
    """Return the page's script."""
    return FileResponse(HERE / "page.js", media_type="text/javascript")
