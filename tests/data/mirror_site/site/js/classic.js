document.addEventListener('DOMContentLoaded', () => {
  document.getElementById('classic').style.background = '#a1b2c3';
});
