"""How mirrors by this project, wget, wget2 and HTTrack open in a browser with the network cut."""
