"""clientPropertyList: clients one by one with their last known values and their days, 200 a page (chapter 06)."""

from typing import ClassVar, Final, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from odometer.model.compatibility import Compatibility, Topic
from odometer.reports.definition import Context, Report, ReportRequest
from odometer.selection.client_list import ClientObject, DailyAsked, as_object, parse_client_choice
from odometer.selection.wire import Text
from odometer.selection.wire_filters import GlobalFilters
from odometer.store.answers.client_list import ClientQuestion

PAGE: Final = 200


class ClientListAnswer(TypedDict):
    """A page of clients; `nextClientId` only when more follow."""

    result: list[ClientObject]
    reachedEnd: bool
    nextClientId: NotRequired[str]


class DailyData(ReportRequest):
    """What `retDailyData` takes."""

    refused: ClassVar[tuple[str, ...]] = ()

    start_date: str = Field(alias="startDate", description="First day: YYYY-MM-DD, NOW or NOW-<days>.")
    stop_date: str = Field(alias="stopDate", description="Last day, inclusive.")
    properties: list[str] | None = Field(
        fail_fast=True, default=None, description="Properties that are kept by day; absent: only the dates."
    )

    @property
    def asked(self) -> DailyAsked:
        """The members as reading them wants them."""
        return DailyAsked(self.start_date, self.stop_date, self.properties)


class ClientListRequest(ReportRequest):
    """Which clients, and what of them."""

    properties: list[str] | None = Field(
        fail_fast=True, default=None, description="Properties to return, last known values."
    )
    daily: DailyData | None = Field(
        default=None, alias="retDailyData", description="Active days of a range, with that day's values."
    )
    global_filters: GlobalFilters | None = Field(
        default=None, alias="globalFilters", description="Property → filter; all must hold."
    )


class ClientPageRequest(ClientListRequest):
    """What `clientPropertyList` takes."""

    start_at: Text | None = Field(
        default=None, alias="startAtClientId", description="nextClientId of the page before; absent: the first page."
    )


def run(request: ClientPageRequest, context: Context) -> ClientListAnswer:
    """`result`, up to 200 clients in the byte order of their ids; `nextClientId` only when more follow."""
    choice = parse_client_choice(
        request.properties,
        request.daily.asked if request.daily else None,
        request.global_filters,
        context.language,
        context.oldest_date,
    )
    question = ClientQuestion(context.product_id, choice, context.today)
    rows, following = context.questions.clients.page(question, request.start_at or "", PAGE)
    answer: ClientListAnswer = {"result": [as_object(row, choice) for row in rows], "reachedEnd": following is None}
    if following is not None:
        answer["nextClientId"] = following
    return answer


REPORT = Report(
    path="/v3/reporting/clientPropertyList",
    title="Clients and their properties",
    description=(
        "Every client that passes the filters, judged by its last known values, 200 a page; with retDailyData also "
        "its active days in a range. A client has the keys that were asked for and no others."
    ),
    request=ClientPageRequest,
    answer=ClientListAnswer,
    run=run,
    example=(
        {
            "properties": ["geography.country", "ram", "C03", "lifetimeEventUsage"],
            "retDailyData": {"startDate": "2031-04-01", "stopDate": "2031-04-30", "properties": ["prodVersion"]},
        },
        {
            "result": [
                {
                    "clientId": "3B90C2E417AA05F6",
                    "geography.country": "PT",
                    "ram": 16384,
                    "C03": "<NULL>",
                    "lifetimeEventUsage": [{"eventCategory": "Canvas", "eventName": "Rotate", "eventCount": 13}],
                    "dailyData": [{"date": "2031-04-02", "prodVersion": "3.10"}],
                }
            ],
            "reachedEnd": False,
            "nextClientId": "3B90C2E417AA0713",
        },
    ),
    compatibility=Compatibility(
        topic=Topic.CLIENTS,
        settled=(
            "`startAtClientId`, `properties`, `retDailyData`, `globalFilters`; 200 clients a page, by clientId. "
            "`result`, `reachedEnd` (a boolean), `nextClientId` only when more follow. Flat dotted keys: clientId, the "
            "properties in the order asked for, `dailyData`, and never another; unset text is `<NULL>`, an unset "
            "number null."
        ),
        ours="`dateInstalled` and `dateLastSeen` are accepted as properties.",
    ),
)
