"""Who is in the demo, and what happened to them. Days are counted back from the first start."""

from datetime import timedelta

from invitations.models import Channel, State
from keys.models import Platform
from orgs.models import MembershipStatus, Role
from semafore.local.demo.characters import (
    BroadcastStory,
    CaseStory,
    DeviceStory,
    ExternalRoomStory,
    Habit,
    InvitationStory,
    NewNumber,
    OrganisationStory,
    PersonStory,
    PilotStory,
    ReportStory,
    RoomStory,
    ScreenshotStory,
    SearchStory,
    ServiceTokenStory,
    Turn,
)

HISTORY = timedelta(days=21)
"""So long ago people came, but for those of a pilot."""
FOUNDED = timedelta(days=100)
"""So long ago the organisations began."""
OPERATOR = "operator@semafore.example"
"""Of the platform's own staff, who create organisations at `/operator/`."""

# Phone numbers from the range that Ofcom keeps for stories: nobody has them.
NORTHGATE = OrganisationStory(
    name="Northgate Hospital Trust",
    slug="northgate",
    managed=4,
    newcomers="+4477009003",
    pilot=(
        PilotStory("Rosa Lindqvist", "Digital", joined=98, left=40),
        PilotStory("Samir Haddad", "Digital", joined=98, left=25),
        PilotStory("Thea Norris", "Ward 7", joined=71, left=40),
    ),
    people=(
        PersonStory(
            name="Amara Osei",
            unit="Information governance",
            joined=20,
            phone="+447700900101",
            email="amara@northgate.example",
            role=Role.OWNER,
            devices=(DeviceStory("amara"), DeviceStory("amara-laptop", Platform.DESKTOP)),
        ),
        PersonStory(
            name="Ben Whitlock",
            unit="Digital",
            joined=20,
            phone="+447700900102",
            email="ben@northgate.example",
            role=Role.ADMIN,
            devices=(DeviceStory("ben"),),
        ),
        PersonStory(
            name="Chloe Marsh",
            unit="Emergency department",
            joined=19,
            phone="+447700900103",
            devices=(DeviceStory("chloe", Platform.ANDROID),),
        ),
        PersonStory(
            name="Dev Patel",
            unit="Emergency department",
            joined=19,
            phone="+447700900104",
            devices=(
                DeviceStory("dev", Platform.ANDROID),
                DeviceStory("ward-tablet", Platform.ANDROID, Habit.FORGOTTEN),
                DeviceStory("dev-old", Platform.ANDROID, Habit.QUIET, lost=9),
                DeviceStory("dev-new", Platform.ANDROID, linked=8),
            ),
        ),
        PersonStory(
            name="Femi Balogun",
            unit="Digital",
            joined=18,
            email="femi@northgate.example",
            role=Role.HELPDESK,
        ),
        PersonStory(
            name="Mina Duarte",
            unit="Estates",
            joined=17,
            phone="+447700900109",
            devices=(DeviceStory("mina", habit=Habit.QUIET),),
            turn=Turn(4, MembershipStatus.ENDED, "Left the trust."),
        ),
        PersonStory(
            name="Hana Sato",
            unit="Internal audit",
            joined=16,
            email="hana@northgate.example",
            role=Role.AUDITOR,
        ),
        PersonStory(
            name="Leo Hart",
            unit="Theatres",
            joined=15,
            phone="+447700900108",
            devices=(DeviceStory("leo", Platform.ANDROID, Habit.QUIET),),
            turn=Turn(6, MembershipStatus.SUSPENDED, "On leave until further notice."),
        ),
        PersonStory(
            name="Jonas Lind",
            unit="Pharmacy",
            joined=5,
            phone="+447700900106",
            devices=(DeviceStory("jonas", habit=Habit.LOW),),
        ),
        PersonStory(
            name="Kate Rowan",
            unit="Radiology",
            joined=3,
            phone="+447700900107",
            devices=(DeviceStory("kate"),),
            guest=True,
        ),
        PersonStory(
            name="Nils Berg",
            unit="Estates",
            joined=2,
            phone="+447700900110",
            devices=(DeviceStory("nils", Platform.ANDROID, Habit.DENIED),),
        ),
        PersonStory(
            name="Eilidh Fraser",
            unit="Radiology",
            joined=0,
            phone="+447700900105",
            devices=(DeviceStory("eilidh", habit=Habit.PENDING),),
        ),
    ),
    invitations=(
        InvitationStory(
            name="Petra Novak",
            unit="Pharmacy",
            day=15,
            phone="+447700900121",
            becomes=State.EXPIRED,
        ),
        InvitationStory(
            name="Quinn Abbott",
            unit="Theatres",
            day=9,
            phone="+447700900122",
            becomes=State.REVOKED,
            reason="Took a post at another trust.",
        ),
        InvitationStory(name="Omar Reid", unit="Theatres", day=2, phone="+447700900120"),
        InvitationStory(
            name="Tess Moore",
            unit="Emergency department",
            day=1,
            phone="+447700900124",
            becomes=State.OPENED,
        ),
        InvitationStory(
            name="Ravi Menon",
            unit="Radiology",
            day=1,
            phone="+447700900123",
            email="ravi@northgate.example",
            channel=Channel.EMAIL,
            arrives=False,
        ),
        InvitationStory(
            name="Una Clarke",
            unit="Digital",
            day=0,
            email="una@northgate.example",
            channel=Channel.EMAIL,
            role=Role.HELPDESK,
        ),
    ),
    new_numbers=(NewNumber("Chloe Marsh", "+447700900130", day=1),),
    service_tokens=(ServiceTokenStory("Security operations' SIEM", day=12),),
    rooms=(
        RoomStory(
            "Ward 7 handover", ("Chloe Marsh", "Dev Patel", "Amara Osei", "Ben Whitlock"), 18
        ),
        RoomStory("", ("Amara Osei", "Ben Whitlock"), 18),
        RoomStory("Incident desk", ("Ben Whitlock", "Amara Osei", "Dev Patel", "Mina Duarte"), 16),
        RoomStory("", ("Chloe Marsh", "Dev Patel"), 15),
        RoomStory("Bed 12", ("Chloe Marsh", "Dev Patel"), 12, parent="Ward 7 handover"),
    ),
    external_rooms=(
        ExternalRoomStory(
            name="Network move",
            purpose="Move of the network cabinets in the east wing.",
            party="Halyard Networks",
            people=("Ben Whitlock", "Dev Patel"),
            guests=(("Yusuf Darr", "+447700900141"),),
            day=14,
            days=20,
            closed=10,
            reason="The move is done.",
        ),
        ExternalRoomStory(
            name="New CT scanner",
            purpose="Installation of the CT scanner in radiology.",
            party="Medion Imaging",
            people=("Chloe Marsh", "Ben Whitlock"),
            guests=(("Kate Rowan", "+447700900107"),),
            day=4,
            days=60,
        ),
        ExternalRoomStory(
            name="Lift repair",
            purpose="Repair of the bed lift by the east entrance.",
            party="Otley Lifts",
            people=("Dev Patel", "Chloe Marsh"),
            guests=(("Marcus Webb", "+447700900142"), ("Ines Faria", "+447700900143")),
            day=0,
            days=14,
            approved=False,
        ),
    ),
    broadcasts=(
        BroadcastStory(
            "Amara Osei", "The switchboard is down until noon: please write, don't call.", day=11
        ),
        BroadcastStory("Ben Whitlock", "The east entrance stays shut on Sunday.", day=2),
    ),
    screenshots=(
        ScreenshotStory("Chloe Marsh", "Ward 7 handover", day=6),
        ScreenshotStory("Kate Rowan", "New CT scanner", day=2),
    ),
    searches=(
        SearchStory("Hana Sato", "Refused lately", {"period": "30", "outcome": "denied"}, day=10),
        SearchStory("Amara Osei", "Devices revoked", {"action": "device.revoked"}, day=8),
    ),
    cases=(
        CaseStory(
            auditor="Hana Sato",
            room="Ward 7 handover",
            reason="A complaint about handovers at night, to be answered from what is kept.",
            reference="IG-2026-07",
            day=13,
            lifted=3,
            outcome="The complaint is answered.",
        ),
    ),
    reports=(ReportStory("New CT scanner", "Quarterly review of rooms with suppliers.", day=0),),
)

CALDER = OrganisationStory(
    name="Calder Rail Operations",
    slug="calder",
    newcomers="+4477009004",
    people=(
        PersonStory(
            name="Grace Holt",
            unit="Control",
            joined=20,
            phone="+447700900201",
            email="grace@calder.example",
            role=Role.OWNER,
            devices=(DeviceStory("grace"),),
        ),
        PersonStory(
            name="Harun Aziz",
            unit="Signalling",
            joined=19,
            phone="+447700900202",
            devices=(DeviceStory("harun", Platform.ANDROID),),
        ),
        PersonStory(
            name="Isla Byrne",
            unit="Track",
            joined=18,
            phone="+447700900203",
            devices=(DeviceStory("isla"),),
        ),
    ),
    rooms=(
        RoomStory("Control room", ("Grace Holt", "Harun Aziz", "Isla Byrne"), 17),
        RoomStory("", ("Grace Holt", "Harun Aziz"), 16),
    ),
)

STORY = (NORTHGATE, CALDER)
