"""Pages of the audit log, of what leaves it, and of what it proves."""

from django.urls import path

from audit.console import event, explorer, exports, proof, proofs, saved, siem, siem_acts

SEARCH = "audit/searches/<uuid:saved_search_id>"
SIEM = "siem/<uuid:destination_id>"

urlpatterns = [
    path("audit", explorer.ExplorerView.as_view(), name="audit"),
    path("audit/counts", explorer.CountsView.as_view(), name="audit_counts"),
    path("audit/searches", saved.SavedSearchesView.as_view(), name="saved_searches"),
    path("audit/searches/new", saved.SavedSearchNewView.as_view(), name="saved_search_new"),
    path(f"{SEARCH}/edit", saved.SavedSearchEditView.as_view(), name="saved_search_edit"),
    path(f"{SEARCH}/delete", saved.SavedSearchDeleteView.as_view(), name="saved_search_delete"),
    path("audit/events/<uuid:event_id>", event.EventView.as_view(), name="event"),
    path("audit/events/<uuid:event_id>/proof", event.ProofView.as_view(), name="event_proof"),
    path("siem", siem.DestinationsView.as_view(), name="siem"),
    path("siem/new", siem.DestinationNewView.as_view(), name="siem_new"),
    path(SIEM, siem.DestinationView.as_view(), name="siem_destination"),
    path(f"{SIEM}/change", siem.DestinationChangeView.as_view(), name="siem_change"),
    path(f"{SIEM}/test", siem.DestinationTestView.as_view(), name="siem_test"),
    path(f"{SIEM}/pause", siem_acts.PauseView.as_view(), name="siem_pause"),
    path(f"{SIEM}/resume", siem_acts.ResumeView.as_view(), name="siem_resume"),
    path(f"{SIEM}/replay", siem_acts.ReplayView.as_view(), name="siem_replay"),
    path(f"{SIEM}/skip", siem_acts.SkipView.as_view(), name="siem_skip"),
    path(f"{SIEM}/delete", siem_acts.DeleteView.as_view(), name="siem_delete"),
    path("proofs", proofs.ProofsView.as_view(), name="proofs"),
    path("proofs/new", proofs.ProofNewView.as_view(), name="proof_new"),
    path("proofs/messages", proofs.ProofMessagesView.as_view(), name="proof_messages"),
    path("proofs/<uuid:event_id>", proof.ProofPageView.as_view(), name="proof"),
    path("proofs/<uuid:event_id>/file", proof.ProofFileView.as_view(), name="proof_file"),
    path(
        "proofs/<uuid:event_id>/statement",
        proof.ProofStatementView.as_view(),
        name="proof_statement",
    ),
    path("proofs/verify.html", proof.VerifyPageView.as_view(), name="proof_verify_page"),
    path("proofs/verifier.py", proof.VerifierView.as_view(), name="proof_verifier"),
    path("exports", exports.ExportsView.as_view(), name="exports"),
    path("exports/new", exports.ExportNewView.as_view(), name="export_new"),
    path("exports/<uuid:export_id>", exports.ExportView.as_view(), name="export"),
    path(
        "exports/<uuid:export_id>/cancel",
        exports.ExportCancelView.as_view(),
        name="export_cancel",
    ),
    path("exports/<uuid:export_id>/file", exports.ExportFileView.as_view(), name="export_file"),
    path(
        "exports/<uuid:export_id>/manifest",
        exports.ExportManifestView.as_view(),
        name="export_manifest",
    ),
]
