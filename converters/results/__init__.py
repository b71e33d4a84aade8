"""Results out of analysis datasets: tables and figures by a specification, every number from the transport files."""
