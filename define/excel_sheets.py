"""The sheets of a specification workbook as Pinnacle 21 users know them, and the OID columns that make it lossless."""

from __future__ import annotations

STUDY = ("Attribute", "Value")
STANDARDS = ("OID", "Name", "Type", "Publishing Set", "Version", "Status", "Comment")
DATASETS = (
    "Dataset",
    "Label",
    "Class",
    "SubClass",
    "Structure",
    "Key Variables",
    "Standard",
    "Non-Standard",
    "Has No Data",
    "Repeating",
    "Reference Data",
    "Purpose",
    "Domain",
    "Domain Description",
    "File",
    "File Title",
    "Comment",
    "OID",
    "Leaf ID",
)
ITEM = (
    "Label",
    "Data Type",
    "Length",
    "Significant Digits",
    "Format",
    "Mandatory",
    "Codelist",
    "Origin",
    "Source",
    "Pages",
    "Method",
    "Predecessor",
    "Role",
    "Non-Standard",
    "Has No Data",
    "Comment",
    "Document",
    "SAS Field Name",
    "OID",
)
VARIABLES = ("Order", "Dataset", "Variable", "Key", *ITEM, "Value List")
VALUE_LEVEL = ("Order", "Dataset", "Variable", "Where Clause", "Name", *ITEM)
WHERE_CLAUSES = ("ID", "Dataset", "Variable", "Comparator", "Value", "Comment", "Soft Hard", "Item OID")
CODELISTS = (
    "ID",
    "Name",
    "NCI Codelist Code",
    "Data Type",
    "Terminology",
    "Non-Standard",
    "Comment",
    "SAS Format",
    "Order",
    "Rank",
    "Term",
    "NCI Term Code",
    "Decoded Value",
    "Extended",
)
DICTIONARIES = ("ID", "Name", "Data Type", "Dictionary", "Version", "Href", "Standard", "Non-Standard")
METHODS = ("ID", "Name", "Type", "Description", "Expression Context", "Expression Code", "Document", "Pages")
COMMENTS = ("ID", "Description", "Document", "Pages")
DOCUMENTS = ("ID", "Title", "Href", "Kind")
DISPLAYS = ("ID", "Title", "Document", "Pages", "OID")
RESULTS = (
    "Display",
    "ID",
    "Description",
    "Variables",
    "Reason",
    "Purpose",
    "Selection Criteria",
    "Join Comment",
    "Documentation",
    "Documentation Refs",
    "Programming Context",
    "Programming Code",
    "Programming Document",
    "Pages",
    "Datasets",
    "Parameter",
)
SHEETS = {
    "Study": STUDY,
    "Standards": STANDARDS,
    "Datasets": DATASETS,
    "Variables": VARIABLES,
    "ValueLevel": VALUE_LEVEL,
    "WhereClauses": WHERE_CLAUSES,
    "Codelists": CODELISTS,
    "Dictionaries": DICTIONARIES,
    "Methods": METHODS,
    "Comments": COMMENTS,
    "Documents": DOCUMENTS,
    "Analysis Displays": DISPLAYS,
    "Analysis Results": RESULTS,
}
ONLY_WITH_RESULTS = ("Analysis Displays", "Analysis Results")
"""Sheets a workbook has only where there is something to put on them."""
PREFIXES = {
    "Codelists": "CL.",
    "Dictionaries": "CL.",
    "Methods": "MT.",
    "Comments": "COM.",
    "Documents": "LF.",
    "WhereClauses": "WC.",
}
"""A workbook made elsewhere names things without the prefix of their OID."""
OTHER_SHEETS = {"Define": "Study", "Value Level": "ValueLevel", "Where Clauses": "WhereClauses"}
OTHER_COLUMNS = {"Datasets": {"Description": "Label"}, "Variables": {"Description": "Label"}}
OTHER_STANDARDS = {"SDTM-IG": "SDTMIG", "ADaM-IG": "ADaMIG", "SEND-IG": "SENDIG"}
"""How older workbooks name sheets, columns and standards."""
KEPT = "Kept"
"""The sheet that keeps the define.xml a workbook was made from, for what the other sheets cannot hold."""
CHUNK = 30_000
"""Characters of it in one cell."""
